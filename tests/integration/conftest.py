"""Real databases for every integration test that asks for one."""

from __future__ import annotations

from tests.integration.province import province_engine, province_place, province_twin
from tests.servers import database_url, mariadb_url, postgresql_url, server_url, store_url

__all__ = [
    "database_url", "mariadb_url", "postgresql_url", "province_engine", "province_place", "province_twin", "server_url",
    "store_url",
]  # fmt: skip
