"""What waits inside a sink, for a connection, a commit or a share, does not leave once another may have taken it over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.files import FilesAdapter
from adapters.files.options import FilesOptions
from adapters.kit.http import Http, HttpOptions
from hub.errors import UNSENT, Deferred
from hub.model import Receipt
from hub.ports import only_while
from tests.commands import until
from tests.databases import ACCEPT, UP_PRO_ACCEPT, adapter, ddl, engine, message, rows
from tests.integration.http_peer import Peer
from tests.sftp import PASSWORD, USER, SftpServer


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


@pytest.fixture(params=["disk", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Where files are put, as options."""
    if request.param == "disk":
        yield {"directory": tmp_path}
        return
    server = SftpServer(tmp_path)
    login = {"host": "127.0.0.1", "port": server.port, "user": USER, "password": PASSWORD}
    yield {"sftp": {**login, "directory": "/", "host_key": server.host_key}}
    server.close()


def dropping(place: dict[str, Any], proof: str) -> FilesAdapter:
    one = {"format": "jsonl", "path": "{endpoint}/{id}.jsonl", "per": "batch", "manifest": {}, "proof": proof}
    options = {**place, "endpoints": {"accept": one, "process": one}}
    return FilesAdapter(FilesOptions.model_validate(options), system="share")


def put(there: Path) -> dict[str, bytes]:
    return {str(path.relative_to(there)): path.read_bytes() for path in there.rglob("*") if path.is_file()}


@pytest.mark.parametrize("proof", ["file", "ledger"])
def test_a_file_is_not_put_there_any_more(place: dict[str, Any], tmp_path: Path, proof: str) -> None:
    frozen, successor = dropping(place, proof), dropping(place, proof)
    left: list[dict[str, bytes]] = []

    def taken_over_while_it_writes() -> bool:
        with only_while(lambda: True):
            successor.send([message(1), message(2)])
        left.append(put(tmp_path))
        return False

    with only_while(taken_over_while_it_writes):
        outcomes = frozen.send([message(1), message(2)])
    assert [getattr(one, "code", None) for one in outcomes] == [UNSENT, UNSENT]
    assert all(isinstance(one, Deferred) for one in outcomes)
    written = {name: content for name, content in left[0].items() if not name.endswith(".part")}
    assert put(tmp_path) == written and len(written) == (3 if proof == "ledger" else 2)
    assert isinstance(successor.find(message(1)), Receipt)
    frozen.close()
    successor.close()


def test_files_that_have_their_names_keep_their_receipts(tmp_path: Path) -> None:
    subject, answers = dropping({"directory": tmp_path}, "file"), iter([True, False])
    with only_while(lambda: next(answers)):
        first, second = subject.send([message(1), message(2, endpoint="process")])
    assert isinstance(first, Receipt) and isinstance(second, Deferred)
    assert sorted(put(tmp_path)) == sorted([str(first.reference), f"{first.reference}.json"])
    subject.close()
