"""Dropping files: what shares a file, in what order names are given, and what a crash in between leaves behind."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.files import FilesAdapter
from adapters.files.deliver import plan
from adapters.files.options import Endpoint, FilesOptions
from adapters.files.share import Files
from hub.errors import Deferred, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Message, Operation, Receipt, Taken

COLUMNS = {"number": "办件编号"}
BATCH: dict[str, Any] = {"per": "batch", "manifest": {}, "proof": "file"}


def message(n: int, lane: str = "", endpoint: str = "accept", **body: Any) -> Message:
    return Message(
        n,
        endpoint,
        "case",
        f"K{n}",
        lane or f"L{n}",
        Operation.INSERT,
        {"number": f"0{n}", **body},
        f"id-{n}",
        "B1",
        datetime(2016, 12, 13, 1, 0, tzinfo=UTC),
    )


Make = Callable[..., FilesAdapter]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(**settings: Any) -> FilesAdapter:
        one = {"format": "csv", "path": "{endpoint}/{id}.csv", "columns": COLUMNS, "newline": "lf", **settings}
        return FilesAdapter(
            FilesOptions.model_validate({"directory": tmp_path, "endpoints": {"accept": one, "process": one}}), system="disk"
        )

    return build


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


# --- what shares a file ---


def shape(messages: list[Message], per: str = "batch") -> list[tuple[str, list[int]]]:
    endpoint = Endpoint.model_validate({"format": "jsonl", "path": "{id}", "per": per, "proof": "ledger"})
    groups = plan(messages, {"accept": endpoint, "process": endpoint})
    return [(group.endpoint, [message.id for _, message in group.members]) for group in groups]


def test_one_file_for_each_endpoint() -> None:
    messages = [message(1), message(2, endpoint="process"), message(3), message(4, endpoint="process")]
    assert shape(messages) == [("accept", [1, 3]), ("process", [2, 4])]


def test_a_lane_keeps_its_order_over_files() -> None:
    one = [message(1, "A"), message(2, "A", "process"), message(3, "A")]
    other = [message(4, "B"), message(5, "B", "process")]
    assert shape([*one, *other]) == [("accept", [1, 4]), ("process", [2, 5]), ("accept", [3])]


def test_one_file_for_each_message() -> None:
    assert shape([message(1, "A"), message(2, "A", "process"), message(3, "A"), message(4)], "message") == [
        ("accept", [1]),
        ("accept", [4]),
        ("process", [2]),
        ("accept", [3]),
    ]


# --- what is written ---


def test_a_window_in_one_file_with_its_manifest(make: Make, tmp_path: Path) -> None:
    adapter = make(**BATCH, path="{date}/{endpoint}_{time}_{count}_{id}.csv")
    outcomes = adapter.send([message(1), message(2)])
    (name,) = [name for name in files(tmp_path) if name.endswith(".csv")]
    assert outcomes == [Receipt(reference=name)] * 2
    assert name.startswith("20161213/accept_090000_2_")
    assert (tmp_path / name).read_text() == "办件编号\n01\n02\n"
    told = json.loads((tmp_path / f"{name}.json").read_text())
    assert (told["count"], told["keys"], told["ids"]) == (2, ["K1", "K2"], ["id-1", "id-2"])
    assert told["bytes"] == (tmp_path / name).stat().st_size


def test_the_same_window_gives_the_same_file(make: Make, tmp_path: Path) -> None:
    adapter = make(**BATCH)
    adapter.send([message(1), message(2)])
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    adapter.send([replace(message(1), attempt=2), replace(message(2), attempt=2)])
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_values_cannot_leave_the_directory(make: Make, tmp_path: Path) -> None:
    adapter = make(path="{key}/{lane}/{id}.csv", proof="file")
    evil = replace(message(1, lane=".."), key="../../etc", idempotency_key="a/b\\c\0d:*漳")
    (outcome,) = adapter.send([evil])
    assert isinstance(outcome, Receipt)
    (name,) = files(tmp_path)
    assert name == "..%2F..%2Fetc/%2E./a%2Fb%5Cc%00d%3A%2A%E6%BC%B3.csv".replace("..%2F..", "%2E.%2F..")


def test_a_refused_message_holds_back_its_lane_in_other_files_too(make: Make, tmp_path: Path) -> None:
    adapter = make(**BATCH, encoding="gbk")
    outcomes = adapter.send([message(1, "A", number="䶮"), message(2, "A", "process"), message(3, "B"), message(4, "B", "process")])
    assert [type(outcome) for outcome in outcomes] == [Rejected, Deferred, Receipt, Receipt]
    assert outcomes[0].message == "办件编号: U+4DAE at position 1 is not in gbk"  # type: ignore[union-attr]


def test_a_field_without_a_column_pauses_the_system(make: Make, tmp_path: Path) -> None:
    (outcome,) = make().send([message(1, extra="x")])
    assert (type(outcome), outcome.code) == (Misconfigured, "HUB-D-412")  # type: ignore[union-attr]
    (outcome,) = make(ignore=["extra"]).send([message(1, extra="x")])
    assert isinstance(outcome, Receipt)


def test_when_the_place_is_gone_no_other_lane_is_tried(make: Make, tmp_path: Path) -> None:
    adapter = make(path="{id}.csv")
    tmp_path.rename(tmp_path.with_name("away"))
    try:
        outcomes = adapter.send([message(1, "A"), message(2, "A"), message(3, "B")])
        assert [(type(outcome), outcome.code) for outcome in outcomes] == [  # type: ignore[union-attr]
            (Misconfigured, "HUB-D-403"),
            (Deferred, "HUB-D-140"),
            (Misconfigured, "HUB-D-403"),
        ]
        assert not tmp_path.exists(), "an unmounted directory must not be made"
    finally:
        tmp_path.with_name("away").rename(tmp_path)


def test_a_full_disk(make: Make, tmp_path: Path) -> None:
    """The system's own limit on file sizes stands for a full disk: the same write fails in the same place."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        (outcome,) = make(path="{id}.csv").send([message(1, number="9" * 10_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (type(outcome), outcome.code) == (Retryable, "HUB-D-401")  # type: ignore[union-attr]
    assert files(tmp_path) == []


# --- a crash at every step ---


class Crash(BaseException):
    """The process ends here; nothing of ours runs any more."""


STEPS = ["write_beside", "publish"]


@pytest.mark.parametrize("manifest", [{}, {"manifest": {}}], ids=["alone", "manifest"])
@pytest.mark.parametrize(("proof", "collected"), [("file", False), ("ledger", False), ("ledger", True)])
def test_a_crash_at_any_step_loses_and_doubles_nothing(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: dict[str, Any], proof: str, collected: bool
) -> None:
    """Cut before and after every write and every rename: `find` then says exactly whether the file got its name."""
    settings = {"proof": proof, **manifest}
    for cut in range(20):
        place = tmp_path / f"cut{cut}"
        place.mkdir()
        adapter = make(path=f"cut{cut}/{{id}}.csv", ledger=f"cut{cut}/ledger", **settings)
        ended = _send_cut(adapter, cut, monkeypatch)
        taken = _published(place, settings)
        if collected:
            for path in taken:
                path.rename(place / f"collected-{path.name}")
        assert (adapter.find(message(1)) is not None) == bool(taken), f"cut {cut}"
        again = adapter.send([replace(message(1), attempt=2)])
        assert isinstance(again[0], Receipt)
        assert len([*_published(place, settings), *place.glob("collected-*.csv")]) == 1, f"cut {cut}"
        assert adapter.find(message(1)) is not None
        adapter.close()
        if ended:
            break
    assert cut > 3


def _send_cut(adapter: FilesAdapter, cut: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Send, ending the process before or after its n-th step; True when it came to its end before that."""
    steps = 0

    def cutting(name: str) -> Callable[..., Any]:
        real = getattr(Files, name)

        def step(self: Files, *arguments: Any) -> Any:
            nonlocal steps
            if (steps := steps + 1) > cut:
                raise Crash
            result = real(self, *arguments)
            if (steps := steps + 1) > cut:
                raise Crash
            return result

        return step

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(Files, name, cutting(name))
        try:
            adapter.send([message(1)])
        except Crash:
            return False
    return True


def _published(place: Path, settings: dict[str, Any]) -> list[Path]:
    """Return the files a far side would take: with a manifest, those whose manifest is there."""
    found = [path for path in place.glob("*.csv") if not path.name.startswith((".", "collected"))]
    return [path for path in found if "manifest" not in settings or path.with_name(f"{path.name}.json").exists()]


def test_a_sender_thought_dead_cannot_publish_later(make: Make, tmp_path: Path) -> None:
    """It wrote its file and froze; somebody else sent the message; when it wakes, its file is gone."""
    adapter = make(path="{id}.csv", proof="ledger")
    frozen: list[str] = []
    publish = Files.publish

    def freeze(self: Files, temporary: str, path: str) -> None:
        if path.endswith(".csv"):
            frozen.append(temporary)
            raise Crash
        publish(self, temporary, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Files, "publish", freeze)
        with pytest.raises(Crash):
            adapter.send([message(1)])
    assert adapter.find(message(1)) is None
    assert isinstance(adapter.send([message(1)])[0], Receipt)
    (temporary,) = frozen
    assert not (tmp_path / temporary).exists()


def test_a_sender_thought_dead_that_was_faster(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It publishes while the other is about to: the other sees it and takes its own file back."""
    adapter = make(path="{id}.csv", proof="ledger")
    write = Files.write_beside
    with pytest.raises(Crash), monkeypatch.context() as patch:
        patch.setattr(Files, "publish", lambda self, temporary, path: _publish_notes_only(self, temporary, path))
        adapter.send([message(1)])
    (temporary,) = tmp_path.glob(".id-1.csv.*.part")

    def awakening(self: Files, path: str, content: bytes) -> str:
        if temporary.exists():
            temporary.rename(tmp_path / "id-1.csv")
            (tmp_path / "id-1.csv").rename(tmp_path / "collected.csv")
        return write(self, path, content)

    monkeypatch.setattr(Files, "write_beside", awakening)
    assert adapter.send([message(1)]) == [Receipt(Taken.DUPLICATE, reference="id-1.csv")]
    assert files(tmp_path) == [".published/accept/B1/id-1.json", "collected.csv"]
    assert adapter.find(message(1)) is not None


_publish = Files.publish


def _publish_notes_only(self: Files, temporary: str, path: str) -> None:
    if path.endswith(".csv"):
        raise Crash
    _publish(self, temporary, path)


# --- finding ---


def test_find_in_files_of_windows(make: Make, tmp_path: Path) -> None:
    adapter = make(**BATCH, path="{date}/{endpoint}-{id}.csv")
    adapter.send([message(1), message(2)])
    adapter.send([message(3)])
    found = [adapter.find(message(n)) for n in (1, 2, 3, 4)]
    assert [isinstance(receipt, Receipt) for receipt in found] == [True, True, True, False]
    assert adapter.find(replace(message(1), batch="B2")) is not None, "the batch is not part of this path"


def test_find_where_the_path_itself_has_odd_characters(make: Make, tmp_path: Path) -> None:
    adapter = make(**BATCH, path="[漳县]*/{date}-{time}/{id}.csv")
    (tmp_path / "漳x").mkdir()
    adapter.send([message(1)])
    assert adapter.find(message(1)) is not None
    assert adapter.find(message(2)) is None
    assert make(**BATCH, path="nothing/{date}/{id}.csv").find(message(1)) is None


def test_find_in_a_ledger_of_windows(make: Make, tmp_path: Path) -> None:
    adapter = make(per="batch", proof="ledger")
    adapter.send([message(1), message(2)])
    for path in (tmp_path / "accept").iterdir():
        path.unlink()
    assert isinstance(adapter.find(message(2)), Receipt)
    assert adapter.find(message(3)) is None


def test_another_content_under_the_name_is_not_the_message(make: Make, tmp_path: Path) -> None:
    adapter = make(path="{id}.csv", proof="file")
    (tmp_path / "id-1.csv").write_text("half of it")
    assert adapter.find(message(1)) is None


def test_workbooks_are_the_same_bytes_at_every_attempt(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = make(format="xlsx", path="{id}.xlsx", proof="file")
    adapter.send([message(1)])
    first = (tmp_path / "id-1.xlsx").read_bytes()
    import openpyxl.writer.excel as writer

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Later:
            return cls(2030, 1, 1, tzinfo=tz)

    monkeypatch.setattr(writer.datetime, "datetime", Later)
    monkeypatch.setattr("time.time", lambda: 1_900_000_000.0)
    assert adapter.find(message(1)) is not None
    adapter.send([message(1)])
    assert (tmp_path / "id-1.xlsx").read_bytes() == first


# --- what is promised ---


@pytest.mark.parametrize(
    ("settings", "idempotent", "findable"),
    [
        ({}, False, False),
        ({"proof": "file"}, True, True),
        ({"proof": "ledger"}, True, True),
        (BATCH, False, True),
        ({"per": "batch", "proof": "ledger"}, False, True),
    ],
)
def test_guarantees(make: Make, settings: dict[str, Any], idempotent: bool, findable: bool) -> None:
    promised = make(**settings).guarantees()
    assert (promised.idempotent, promised.findable, promised.ordered_batch) == (idempotent, findable, True)


def test_in_doubt_is_its_own_outcome(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Files, temporary: str, path: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Files, "publish", broken)
    outcomes = make().send([message(1), message(2)])
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]
