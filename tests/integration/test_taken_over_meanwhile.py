"""What waits inside a sink, for a connection or in a transaction, does not leave once another may have taken it over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.kit.http import Http, HttpOptions
from hub.errors import UNSENT, Deferred
from hub.model import Receipt
from hub.ports import only_while
from tests.commands import until
from tests.databases import ACCEPT, UP_PRO_ACCEPT, adapter, ddl, engine, message, rows
from tests.integration.http_peer import Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


def test_a_request_that_has_its_connection_is_not_written_any_more(peer: Peer) -> None:
    http = Http(HttpOptions())

    def taken_over_while_it_connects() -> bool:
        until(peer.connections, "it is connected")
        return False

    with only_while(taken_over_while_it_connects), pytest.raises(Deferred) as caught:
        http.post(peer.url, b"{}")
    assert caught.value.code == UNSENT
    assert http.post(peer.url, b"{}").status == 200
    assert len(peer.received) == 1
    http.close()


def test_what_has_begun_to_leave_is_sent_to_its_end(peer: Peer) -> None:
    http = Http(HttpOptions())
    answers = iter([True])
    with only_while(lambda: next(answers)):  # asked once, however many pieces are written
        assert http.post(peer.url, b"x" * 300_000).status == 200
    assert [len(one.body) for one in peer.received] == [300_000]
    http.close()


def test_rows_are_not_committed_any_more(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"accept": ACCEPT}) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        with only_while(lambda: False):
            first, second = subject.send([message(1), message(2)])
        assert isinstance(first, Deferred) and isinstance(second, Deferred)
        assert {first.code, second.code} == {UNSENT}
        assert rows(over_there, "SELECT count(*) FROM up_pro_accept") == [(0,)]
        assert subject.send([message(1)]) == [Receipt()]
