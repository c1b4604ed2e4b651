"""Picking files up: only whole ones, each once, moved away only when what was in them is kept."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from adapters.files import pickup
from adapters.files.rows import FIELD_LIMIT
from adapters.files.share import Files
from hub.errors import SourceFailed
from hub.model import Page
from tests.unit.adapters.files.inbox import NOW, Desk

MOVED: dict[str, Any] = {"done": "done", "bad": "bad"}


def table(*keys: str, name: str = "王") -> bytes:
    return "\n".join(["办件编号,申请人", *(f"{key},{name}" for key in keys), ""]).encode()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_file()) if directory.exists() else []


# --- which files are complete ---


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", ".a.csv", "~$a.csv", "a.csv.filepart", "A.CSV.TMP"])
def test_a_file_that_is_still_written_by_name(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path)
    desk.put(name, table("1"))
    assert desk.read().pages == []


def test_only_the_pattern_counts(tmp_path: Path) -> None:
    desk = Desk(tmp_path, pattern="办件_*.csv")
    desk.put("办件_1.csv", table("1"))
    desk.put("说明.txt", "...")
    desk.put("sub/办件_2.csv", table("2"))
    assert [record.key for record in desk.read().records] == ["1"]


def test_a_young_file_waits_until_it_has_stayed_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.put("a.csv", table("1"), age=59)
    assert desk.read().pages == []
    with path.open("ab") as file:
        file.write("2,李\n".encode())
    os.utime(path, (NOW, NOW))
    desk.now += 59
    assert desk.read().pages == []
    desk.now += 1
    assert [record.key for record in desk.read().records] == ["1", "2"]


def test_a_file_that_changes_while_it_is_copied_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender's clock may be wrong: even a file that looks old is looked at again after copying."""
    desk = Desk(tmp_path)
    path = desk.put("a.csv", table("1"))
    copy = Files.copy

    def growing(self: Files, name: str, out: Any) -> None:
        copy(self, name, out)
        if len(path.read_bytes()) == len(table("1")):
            desk.put("a.csv", table("1", "2"))

    monkeypatch.setattr(Files, "copy", growing)
    assert desk.read().pages == []
    assert [record.key for record in desk.read().records] == ["1", "2"]


def test_a_marker_makes_a_file_complete(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ready={"marker": ".ok"}, pattern="*")
    desk.put("a.csv", table("1"), age=0)
    desk.put("b.csv", table("2"), age=0)
    desk.put("b.csv.ok", "", age=0)
    assert [record.key for record in desk.read().records] == ["2"]


def manifest(content: bytes, algorithm: str = "sha256") -> str:
    return json.dumps({"digest": {"algorithm": algorithm, "value": hashlib.new(algorithm, content).hexdigest()}})


@pytest.mark.parametrize("algorithm", ["sha256", "sm3", "md5"])
def test_a_manifest_makes_a_file_complete(tmp_path: Path, algorithm: str) -> None:
    desk = Desk(tmp_path, ready={"manifest": "{file}.json", "digest": algorithm})
    desk.put("a.csv", table("1"), age=0)
    desk.put("a.csv.json", manifest(table("1"), algorithm), age=0)
    assert [record.key for record in desk.read().records] == ["1"]


def test_a_manifest_as_sha256sum_writes_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, pattern="*.csv", ready={"manifest": "{file}.sha256"})
    desk.put("a.csv", table("1"))
    desk.put("a.csv.sha256", f"{hashlib.sha256(table('1')).hexdigest()}  a.csv\n")
    assert [record.key for record in desk.read().records] == ["1"]


def test_a_file_that_contradicts_its_manifest_waits_and_then_is_bad(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ready={"manifest": "{file}.json", "patience": "10m"}, **MOVED)
    desk.put("a.csv", table("1"), age=30)
    desk.put("a.csv.json", manifest(table("1", "2")), age=0)
    assert desk.read().pages == []
    desk.now += 601
    read = desk.read()
    assert (read.records, read.fault.code) == ([], "HUB-S-225")
    assert names(tmp_path / "bad") == ["a.csv", "a.csv.json"]


def test_a_manifest_that_arrives_first_does_not_harm(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ready={"manifest": "{file}.json"}, **MOVED)
    desk.put("a.csv.json", manifest(table("1")))
    assert desk.read().pages == []
    desk.put("a.csv", table("1"))
    assert len(desk.read().records) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"hello", b"\xff", b'{"digest": 1}'])
def test_a_manifest_without_a_digest_promises_nothing(content: bytes) -> None:
    assert pickup.promised(content, "sha256")[1] == ""


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    desk = Desk(tmp_path, largest=40)
    desk.put("a.csv", table(*map(str, range(30))))
    assert desk.read().fault.code == "HUB-S-224"


# --- order ---


def test_files_come_oldest_first_and_by_name_within_one_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("c.csv", table("3"), age=100)
    desk.put("b.csv", table("2"), age=100)
    desk.put("a.csv", table("4"), age=90)
    desk.put("d.csv", table("1"), age=200)
    assert [record.key for record in desk.read().records] == ["1", "2", "3", "4"]


def test_files_come_by_name_when_told_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, order="name")
    desk.put("b.csv", table("2"), age=300)
    desk.put("a.csv", table("1"), age=100)
    assert [record.key for record in desk.read().records] == ["1", "2"]


# --- each once ---


def test_a_file_that_arrives_late_with_an_old_time_is_not_skipped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("b.csv", table("1"), age=100)
    cursor = desk.read().cursor
    desk.put("a.csv", table("2"), age=9000)
    assert [record.key for record in desk.read(cursor).records] == ["2"]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", table("1"), age=200)
    cursor = desk.read().cursor
    desk.put("a.csv", table("1", name="李"), age=100)
    assert desk.read(cursor).data == [{"number": "1", "name": "李"}]


def test_the_same_file_delivered_twice_is_taken_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    desk.put("a.csv", table("1"), age=200)
    cursor = desk.read().cursor
    desk.put("b.csv", table("2"), age=200)
    cursor = desk.read(cursor).cursor
    desk.put("a.csv", table("1"), age=100)
    again = desk.read(cursor)
    assert (again.records, again.faults) == ([], [])
    assert names(tmp_path) == []
    assert len(names(tmp_path / "done")) == 3


def test_a_copy_under_another_name_right_after_is_taken_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("a.csv", table("1"), age=200)
    desk.put("a (1).csv", table("1"), age=100)
    assert len(desk.read().records) == 1


def test_a_file_that_goes_back_to_what_it_said_is_news(tmp_path: Path) -> None:
    """A status that changes and changes back gives equal bytes: dropping the third file would lose a change."""
    desk = Desk(tmp_path, **MOVED)
    cursor, seen = None, []
    for name in ("王", "李", "王"):
        desk.put("now.csv", table("1", name=name), age=100)
        desk.now += 10
        read = desk.read(cursor)
        cursor = read.cursor
        seen += [record.data["name"] for record in read.records]
    assert seen == ["王", "李", "王"]


def test_the_cursor_stays_small(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    cursor, sizes = None, []
    for n in range(300):
        desk.put(f"{n:04d}.csv", table(str(n)))
        cursor = desk.read(cursor).cursor
        sizes.append(len(cursor or ""))
    assert sizes[-1] == sizes[150]
    assert sizes[-1] < 8000


def test_files_that_stay_are_counted_aloud(tmp_path: Path) -> None:
    desk = Desk(tmp_path, remember=3)
    for n in range(4):
        desk.put(f"{n}.csv", table(str(n)))
    read = desk.read()
    assert len(read.records) == 4
    with pytest.raises(SourceFailed, match="HUB-S-207") as caught:
        desk.read(read.cursor)
    assert caught.value.misconfigured
    (tmp_path / "0.csv").unlink()
    assert desk.read(read.cursor).pages == []


# --- moved when kept ---


def test_nothing_moves_before_the_page_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    desk.put("a.csv", table("1"), age=200)
    desk.put("b.csv", table("2"), age=100)
    reading = desk.inbox.read(None)
    assert next(reading).records[0].key == "1"
    assert names(tmp_path) == ["a.csv", "b.csv"]
    assert next(reading).records[0].key == "2"
    assert names(tmp_path) == ["b.csv"]
    assert next(reading, None) is None
    assert names(tmp_path) == []
    assert names(tmp_path / "done") == ["a.csv", "b.csv"]


def test_a_crash_between_keeping_and_moving(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    desk.put("a.csv", table("1"))
    reading = desk.inbox.read(None)
    page: Page = next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert names(tmp_path) == ["a.csv"]
    assert desk.read(page.cursor).pages == []
    assert (names(tmp_path), names(tmp_path / "done")) == ([], ["a.csv"])


def test_a_crash_in_the_middle_of_a_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, page=2, **MOVED)
    desk.put("a.csv", table("1", "2", "3", "4", "5"))
    reading = desk.inbox.read(None)
    page = next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert [record.key for record in desk.read(page.cursor).records] == ["3", "4", "5"]


def test_a_file_taken_away_half_read_is_accounted_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path, page=2)
    path = desk.put("a.csv", table("1", "2", "3"))
    page = next(desk.inbox.read(None))
    path.unlink()
    read = desk.read(page.cursor)
    assert (read.fault.key, read.fault.code) == ("a.csv", "HUB-S-226")
    assert desk.read(read.cursor).pages == []


def test_a_file_replaced_half_read_is_read_from_its_beginning(tmp_path: Path) -> None:
    desk = Desk(tmp_path, page=2)
    desk.put("a.csv", table("1", "2", "3"))
    page = next(desk.inbox.read(None))
    desk.put("a.csv", table("7", "8", "9"), age=70)
    assert [record.key for record in desk.read(page.cursor).records] == ["7", "8", "9"]


def test_bad_files_go_to_quarantine_and_bad_rows_do_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    desk.put("bad.csv", "a,b\n1,2\n")
    desk.put("good.csv", table("1", ""))
    read = desk.read()
    assert ([record.key for record in read.records], len(read.faults)) == (["1"], 2)
    assert (names(tmp_path / "bad"), names(tmp_path / "done")) == (["bad.csv"], ["good.csv"])


def test_a_bad_file_that_stays_is_told_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("bad.csv", "a,b\n1,2\n")
    read = desk.read()
    assert len(read.faults) == 1
    assert desk.read(read.cursor).pages == []


def test_a_name_that_is_taken_in_the_archive(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    desk.put("done/a.csv", "older")
    desk.put("a.csv", table("1"))
    desk.read()
    assert len(names(tmp_path / "done")) == 2
    assert (tmp_path / "done" / "a.csv").read_text() == "older"


def test_an_archive_that_cannot_be_written_to(tmp_path: Path) -> None:
    desk = Desk(tmp_path, pattern="*.csv", **MOVED)
    desk.put("done", "a file where the directory should be")
    desk.put("a.csv", table("1"))
    pages: list[Page] = []
    with pytest.raises(SourceFailed, match="HUB-S-206"):
        pages.extend(desk.inbox.read(None))
    assert [record.key for page in pages for record in page.records] == ["1"], "what was read before stands"
    with pytest.raises(SourceFailed, match="HUB-S-206"):
        desk.read(None)


def test_a_file_that_breaks_somewhere_is_never_half_taken(tmp_path: Path) -> None:
    desk = Desk(tmp_path, page=2, **MOVED)
    desk.put("a.csv", table("1", "2", "3") + b"x" * (FIELD_LIMIT + 1))
    read = desk.read()
    assert read.records == []
    assert (read.fault.key, read.fault.code) == ("a.csv", "HUB-S-246")
    assert names(tmp_path / "bad") == ["a.csv"]


def test_an_empty_table_is_done_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, **MOVED)
    desk.put("a.csv", table())
    assert desk.read().records == []
    assert names(tmp_path / "done") == ["a.csv"]


def test_a_cursor_of_something_else(tmp_path: Path) -> None:
    for cursor in ("", "2016-12-13", "[]", "{}", '{"feeds": {"case": 1}}'):
        with pytest.raises(SourceFailed, match="HUB-S-208"):
            Desk(tmp_path).read(cursor)


def test_revisions(tmp_path: Path) -> None:
    desk = Desk(tmp_path, revision="name")
    desk.put("a.csv", table("1", name="7") + b"2,\n")
    read = desk.read()
    assert [(record.key, record.revision) for record in read.records] == [("1", "7")]
    assert read.fault.code == "HUB-S-242"


def test_compound_keys_and_digests(tmp_path: Path) -> None:
    desk = Desk(tmp_path, key=["number", "name"])
    desk.put("a.csv", table("1") + "1,李\n1,王\n".encode())
    one, two, three = desk.read().records
    assert (one.key, two.key) == ("1|王", "1|李")
    assert one.revision == three.revision != two.revision


def test_a_file_name_in_gbk_is_read_and_told(tmp_path: Path) -> None:
    """Windows senders write GBK names; the account must hold text every database takes."""
    desk = Desk(tmp_path, pattern="*.csv", **MOVED)
    path = desk.put("x.csv", table("1", ""))
    path.rename(os.fsdecode(os.path.join(os.fsencode(tmp_path), "办件.csv".encode("gbk"))))  # noqa: PTH118 - pathlib has no bytes
    read = desk.read()
    assert [record.key for record in read.records] == ["1"]
    assert read.fault.key == "办件.csv#line 3"
    assert (read.cursor or "").isascii()
    assert len(names(tmp_path / "done")) == 1


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Who may write into the directory must not thereby read other files of this machine."""
    desk = Desk(tmp_path / "in")
    secret = tmp_path / "secret.csv"
    secret.write_bytes(table("1"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").symlink_to(secret)
    assert desk.read().pages == []
