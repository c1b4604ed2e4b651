"""What many integration tests begin with: real databases, and a hub or a county on each of them. A test file may have its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import fakes
from tests.exchanges import Site, site
from tests.feeding import Opened, county
from tests.integration.province import province_engine, province_place, province_twin
from tests.servers import database_url, mariadb_url, postgresql_url, server_url, store_url

__all__ = [
    "database_url", "here", "mariadb_url", "opened", "postgresql_url", "province_engine", "province_place", "province_twin",
    "server_url", "store_url",
]  # fmt: skip


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    """Set up a hub with one source and one target on each store."""
    fakes.forget()
    with site(tmp_path, store_url) as made:
        yield made


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Opened]:
    """Open a county on each of the three databases."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(county(tmp_path, database_url, **given))
