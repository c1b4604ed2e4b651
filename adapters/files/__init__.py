"""The adapter for files: CSV, JSON Lines, XML and XLSX, dropped and picked up whole, on disk or over SFTP."""

from __future__ import annotations

from adapters.files.adapter import FilesAdapter

__all__ = ["FilesAdapter"]
