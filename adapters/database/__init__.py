"""Exports the `database` adapter."""

from __future__ import annotations

from adapters.database.adapter import DatabaseAdapter

__all__ = ["DatabaseAdapter"]
