"""Numbers are handed out once each, also to several who are the first at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hub.store import open_store
from hub.store.numbers import take

HANDS = 6


def test_several_may_be_the_first_at_once(store_url: str) -> None:
    store, together = open_store(store_url), threading.Barrier(HANDS, timeout=60)

    def first(_: int) -> int:
        together.wait()
        with store.writing() as connection:
            return take(connection, "window", 2)

    with ThreadPoolExecutor(HANDS) as pool:
        assert sorted(pool.map(first, range(HANDS))) == [1 + 2 * number for number in range(HANDS)]
    store.close()
