"""The rest adapter: any HTTP interface with JSON, forms or XML, described in YAML."""

from __future__ import annotations

from adapters.rest.adapter import RestAdapter

__all__ = ["RestAdapter"]
