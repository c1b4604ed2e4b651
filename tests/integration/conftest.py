"""Real databases for every integration test that asks for one."""

from __future__ import annotations

from tests.servers import database_url, mariadb_url, postgresql_url, server_url

__all__ = ["database_url", "mariadb_url", "postgresql_url", "server_url"]
