"""What only a real SFTP server shows: strangers, refusals, and a connection that breaks at the worst moment."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from adapters.files import FilesAdapter
from adapters.files.options import FilesOptions
from hub.errors import Failure, InDoubt, Misconfigured, Retryable, SourceFailed
from hub.model import Message, Operation, Receipt, Taken
from tests.sftp import PASSWORD, USER, SftpServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    root = tmp_path / "share"
    root.mkdir()
    server = SftpServer(root)
    yield server
    server.close()


Make = Callable[..., FilesAdapter]


@pytest.fixture
def make(server: SftpServer) -> Iterator[Make]:
    made: list[FilesAdapter] = []

    def build(proof: str = "file", endpoint: dict[str, Any] | None = None, **login: Any) -> FilesAdapter:
        sftp = {"host": "127.0.0.1", "port": server.port, "user": USER, "password": PASSWORD, "directory": "/", "timeout": "10s"}
        if "known_hosts" not in login:
            sftp["host_key"] = server.host_key
        options = {
            "sftp": {**sftp, **login},
            "endpoints": {
                "accept": {
                    "format": "csv",
                    "path": "{id}.csv",
                    "columns": {"number": "办件编号"},
                    "proof": proof,
                    **(endpoint or {}),
                }
            },
            "feeds": {
                "case": {
                    "pattern": "*.csv",
                    "format": "csv",
                    "columns": {"办件编号": "number"},
                    "key": ["number"],
                    "ready": {"age": "1ms"},
                }
            },
        }
        made.append(FilesAdapter(FilesOptions.model_validate(options), system="sftp"))
        return made[-1]

    yield build
    for adapter in made:
        adapter.close()


def message(n: int = 1) -> Message:
    return Message(
        n,
        "accept",
        "case",
        f"K{n}",
        f"L{n}",
        Operation.INSERT,
        {"number": f"0{n}"},
        f"id-{n}",
        "B1",
        datetime(2016, 12, 13, tzinfo=UTC),
    )


def checked(adapter: FilesAdapter) -> Failure:
    with pytest.raises(Failure) as caught:
        adapter.check()
    return caught.value


def test_a_stranger_gets_nothing(make: Make, server: SftpServer) -> None:
    """A server with another key must not be handed the password, let alone the records."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    adapter = make(host_key=other)
    failure = checked(adapter)
    assert (type(failure), failure.code) == (Misconfigured, "HUB-D-405")
    (outcome,) = adapter.send([message()])
    assert isinstance(outcome, Misconfigured)
    assert list(server.root.iterdir()) == []


def test_an_unknown_server_gets_nothing(make: Make, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("")
    assert checked(make(known_hosts=str(known))).code == "HUB-D-405"


def test_a_server_that_never_speaks(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        adapter = make(port=silent.getsockname()[1], timeout="200ms")
        (outcome,) = adapter.send([message()])
    assert (type(outcome), outcome.code) == (Retryable, "HUB-D-101")  # type: ignore[union-attr]


def test_a_known_hosts_file_is_enough(make: Make, server: SftpServer, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    make(known_hosts=str(known)).check()


def test_a_wrong_password(make: Make) -> None:
    failure = checked(make(password="wrong"))
    assert (type(failure), failure.code) == (Misconfigured, "HUB-D-407")
    assert "wrong" not in f"{failure} {failure!r} {failure.said}"


def test_a_wrong_password_of_a_source(make: Make) -> None:
    with pytest.raises(SourceFailed) as caught:
        list(make(password="wrong").read(None))
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-202", True)


def test_a_missing_directory(make: Make) -> None:
    adapter = make(directory="/not/there")
    assert checked(adapter).code == "HUB-D-403"
    (outcome,) = adapter.send([message()])
    assert (type(outcome), outcome.code) == (Misconfigured, "HUB-D-403")  # type: ignore[union-attr]
    with pytest.raises(SourceFailed, match="HUB-S-203"):
        list(adapter.read(None))


def test_a_refused_rename_leaves_the_records_alone(make: Make, server: SftpServer) -> None:
    server.refuse_rename = True
    (outcome,) = make().send([message()])
    assert (type(outcome), outcome.code) == (Misconfigured, "HUB-D-402")  # type: ignore[union-attr]
    assert list(server.root.iterdir()) == [], "a file nobody will ever name stayed behind"


@pytest.mark.parametrize("proof", ["file", "ledger"])
def test_hung_up_while_the_file_gets_its_name(make: Make, server: SftpServer, proof: str) -> None:
    """The file got its name but the answer never came: in doubt, and a look settles it."""
    adapter = make(proof)
    assert adapter.find(message()) is None
    server.hang_up_at_rename = proof == "file"
    if proof == "ledger":
        _hang_up_at_last_rename(server)
    (outcome,) = adapter.send([message()])
    assert (type(outcome), getattr(outcome, "code", "")) == (InDoubt, "HUB-D-406")
    server.hang_up_at_rename = False
    assert adapter.find(message()) == Receipt(reference="id-1.csv")
    assert adapter.find(message(2)) is None
    (again,) = adapter.send([message()])
    assert again == Receipt(Taken.TAKEN if proof == "file" else Taken.DUPLICATE, reference="id-1.csv")
    assert [path.name for path in server.root.glob("*.csv")] == ["id-1.csv"]


def _hang_up_at_last_rename(server: SftpServer) -> None:
    """Break at the second rename: the first gives the ledger's note its name."""
    server.renames_before_hanging_up = 1
    server.hang_up_at_rename = True


def test_a_server_that_closes_between_two_sends_costs_nothing(make: Make, server: SftpServer) -> None:
    adapter = make()
    assert isinstance(adapter.send([message(1)])[0], Receipt)
    server.go_down()
    (outcome,) = adapter.send([message(2)])
    assert isinstance(outcome, Retryable)
    server.come_back()
    assert isinstance(adapter.send([message(2)])[0], Receipt)
    assert sorted(path.name for path in server.root.iterdir()) == ["id-1.csv", "id-2.csv"]


def test_what_one_drops_another_picks_up(make: Make) -> None:
    assert all(isinstance(outcome, Receipt) for outcome in make().send([message(n) for n in range(1, 4)]))
    records = [record for page in make().read(None) for record in page.records]
    assert [record.data for record in records] == [{"number": "01"}, {"number": "02"}, {"number": "03"}]


def test_a_name_in_gbk_is_said_and_nothing_is_skipped(make: Make, server: SftpServer) -> None:
    with open(os.path.join(os.fsencode(server.root), "办件.csv".encode("gbk")), "wb"):  # noqa: PTH118, PTH123 - pathlib has no bytes
        pass
    with pytest.raises(SourceFailed, match="HUB-S-209") as caught:
        list(make().read(None))
    assert caught.value.misconfigured
    assert checked(make()).code == "HUB-D-408"


@pytest.mark.parametrize("settings", [{"manifest": {}}, {"proof": "ledger"}])
def test_what_cannot_be_listed_is_not_denied(make: Make, server: SftpServer, settings: dict[str, Any]) -> None:
    """«Not there» makes the hub send again: it must never be said because somebody forbade to look."""
    adapter = make(endpoint={"per": "batch", "path": "{date}/{id}.csv", **settings})
    assert isinstance(adapter.send([message()])[0], Receipt)
    server.refuse_listing = True
    with pytest.raises(Misconfigured, match="HUB-D-402"):
        adapter.find(message())
    server.refuse_listing = False
    assert isinstance(adapter.find(message()), Receipt)
    assert adapter.find(message(2)) is None
