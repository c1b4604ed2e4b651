"""The files adapter on a disk: every format as a sink and as a source."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import openpyxl
import pytest
from lxml import etree

from adapters.files import FilesAdapter
from adapters.files.options import FilesOptions
from adapters.kit.conformance import SinkConformance, SourceConformance
from hub.model import Json, Message

COLUMNS = {"number": "办件编号", "name": "申请人", "key": "主键"}
FIELDS = {title: name for name, title in COLUMNS.items()}


def rows_of(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[dict[str, str]]:
    """Read a file as the far side does, with none of the adapter's code."""
    if path.suffix == ".csv":
        with path.open(encoding=encoding, newline="") as file:
            return [{FIELDS[title]: text for title, text in row.items()} for row in csv.DictReader(file, delimiter=delimiter)]
    if path.suffix == ".jsonl":
        found = [json.loads(line) for line in path.read_text(encoding).split("\n") if line]
        return [{FIELDS[title]: value for title, value in row.items()} for row in found]
    if path.suffix == ".xml":
        root = etree.fromstring(path.read_bytes(), etree.XMLParser(huge_tree=True))
        return [{FIELDS[str(child.tag)]: child.text or "" for child in row} for row in root]
    book = openpyxl.load_workbook(path)
    titles, *rows = book.active.iter_rows(values_only=True)
    return [{FIELDS[str(title)]: value or "" for title, value in zip(titles, row, strict=True)} for row in rows]


class FilesOnDisk:
    """A directory that goes away like a disk that is unmounted."""

    root: Path

    @pytest.fixture(autouse=True)
    def far_side(self, tmp_path: Path) -> None:
        self.root = tmp_path / "share"
        self.root.mkdir()

    def go_down(self) -> None:
        self.root.rename(self.root.with_name("away"))

    def come_back(self) -> None:
        self.root.with_name("away").rename(self.root)

    def traces(self) -> object:
        return sorted((str(path.relative_to(self.root)), path.stat().st_size) for path in self.root.rglob("*"))


class DiskSink(FilesOnDisk, SinkConformance):
    endpoint, text = "accept", "name"
    encoding: ClassVar[str] = "utf-8"
    settings: ClassVar[dict[str, Any]]

    def adapter(self) -> FilesAdapter:
        endpoint = {"encoding": self.encoding, "columns": COLUMNS, **self.settings}
        options = FilesOptions.model_validate({"directory": self.root, "endpoints": {"accept": endpoint}})
        return FilesAdapter(options, system="disk")

    def message(self, n: int, lane: str = "", **fields: Json) -> Message:
        return super().message(n, lane, **{"key": f"K{n:05d}", **fields})

    def body(self, n: int) -> dict[str, Json]:
        return {"number": f"0{n:09d}", "name": f"申请人{n:04d}"}

    def refuse(self, message: Message) -> Message:
        return self.message(message.id, message.lane, name="王\x01小明")

    def files(self) -> list[Path]:
        found = [path for path in self.root.rglob("*.*") if path.suffix in (".csv", ".jsonl", ".xml", ".xlsx")]
        assert not list(self.root.rglob("*.part")), "a temporary file stayed behind"
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return [
            (row["key"], row) for path in self.files() for row in rows_of(path, self.encoding, self.settings.get("delimiter", ","))
        ]


class TestCsvByMessage(DiskSink):
    settings: ClassVar[dict[str, Any]] = {"format": "csv", "path": "{batch}/{endpoint}-{id}.csv", "proof": "file"}


class TestCsvInGbk(DiskSink):
    encoding: ClassVar[str] = "gbk"
    settings: ClassVar[dict[str, Any]] = {"format": "csv", "path": "{id}.csv", "proof": "file", "delimiter": "|", "quote": "all"}


class TestCsvInGb18030WithMark(DiskSink):
    encoding: ClassVar[str] = "gb18030"
    settings: ClassVar[dict[str, Any]] = {"format": "csv", "path": "{id}.csv", "proof": "file", "newline": "lf"}


class TestCsvForExcel(DiskSink):
    encoding: ClassVar[str] = "utf-8-sig"
    settings: ClassVar[dict[str, Any]] = {
        "format": "csv",
        "path": "{date}/{id}.csv",
        "proof": "file",
        "manifest": {"digest": "sm3"},
    }


#: A file that several messages share is named after its window: the same messages in other windows make another file.
BY_WINDOW = frozenset({"test_the_same_message_twice", "test_the_same_messages_in_other_windows"})


class TestJsonLinesByWindow(DiskSink):
    leaves_out: ClassVar[frozenset[str]] = BY_WINDOW
    settings: ClassVar[dict[str, Any]] = {
        "format": "jsonl",
        "path": "{batch}-{id}.jsonl",
        "per": "batch",
        "proof": "file",
        "manifest": {},
    }

    def refuse(self, message: Message) -> Message:
        return self.message(message.id, message.lane, name="\ud800 half a character")


class TestXmlByWindow(DiskSink):
    leaves_out: ClassVar[frozenset[str]] = BY_WINDOW
    settings: ClassVar[dict[str, Any]] = {
        "format": "xml",
        "path": "{date}/{endpoint}-{id}-{count}.xml",
        "per": "batch",
        "proof": "file",
        "manifest": {},
        "xml": {"root": "办件列表", "row": "办件"},
    }


class TestXmlTakenAway(DiskSink):
    """The far side collects files: it moves each one out of the share as soon as it appears."""

    encoding: ClassVar[str] = "gbk"
    settings: ClassVar[dict[str, Any]] = {"format": "xml", "path": "out/{id}.xml", "proof": "ledger"}

    def collected(self) -> Path:
        place = self.root.with_name("collected")
        place.mkdir(exist_ok=True)
        return place

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        for path in self.files():
            path.rename(self.collected() / f"{len(list(self.collected().iterdir())):06d}{path.suffix}")
        return [(row["key"], row) for path in sorted(self.collected().iterdir()) for row in rows_of(path)]

    def test_the_same_message_after_it_was_taken_away(self, subject: Any) -> None:
        message = self.message(1)
        subject.send([message])
        assert len(self.held()) == 1
        subject.send([message])
        assert len(self.held()) == 1
        assert subject.find(message) is not None


class TestXlsxByMessage(DiskSink):
    settings: ClassVar[dict[str, Any]] = {"format": "xlsx", "path": "{id}.xlsx", "proof": "file", "sheet": "办件"}
    window: ClassVar[int] = 20


class TestXlsxByWindow(DiskSink):
    leaves_out: ClassVar[frozenset[str]] = BY_WINDOW
    settings: ClassVar[dict[str, Any]] = {"format": "xlsx", "path": "{id}.xlsx", "per": "batch", "proof": "ledger"}


# --- sources ---


def csv_bytes(rows: list[list[str]], encoding: str) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([list(COLUMNS.values()), *rows])
    return out.getvalue().encode(encoding)


class DiskSource(FilesOnDisk, SourceConformance):
    """Drops a file with n rows for each call of `rows`, complete with its marker."""

    suffix: ClassVar[str] = ".csv"
    encoding: ClassVar[str] = "utf-8"
    settings: ClassVar[dict[str, Any]] = {}
    made: int
    clock: float

    @pytest.fixture(autouse=True)
    def inbox(self, far_side: None) -> None:
        (self.root / "in").mkdir()
        self.made, self.clock = 0, 1_481_590_922.0

    def adapter(self) -> FilesAdapter:
        feed = {
            "directory": "in",
            "pattern": f"*{self.suffix}",
            "format": self.suffix[1:],
            "encoding": self.encoding,
            "columns": FIELDS,
            "key": ["key"],
            "ready": {"marker": ".ok"},
            "page": 4,
            **self.settings,
        }
        options = FilesOptions.model_validate({"directory": self.root, "feeds": {"case": feed}})
        return FilesAdapter(options, system="disk")

    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        keys = [f"K{self.made + i:05d}" for i in range(n)]
        self.drop([[f"0{key[1:]}", f"喆堃{key}", key] for key in keys], same_time=same_time)
        return keys

    def drop(self, rows: list[list[str]], *, same_time: bool = False) -> None:
        self.made += len(rows)
        self.clock += 0 if same_time else 60
        # Later files of one second get a lesser name: neither the name nor the time alone may decide.
        path = self.root / "in" / f"办件-{100_000 - self.made}{self.suffix}"
        path.write_bytes(self.content(rows))
        os.utime(path, (self.clock, self.clock))
        path.with_name(f"{path.name}.ok").touch()

    def content(self, rows: list[list[str]]) -> bytes:
        return csv_bytes(rows, self.encoding)

    def change(self, key: str) -> None:
        self.drop([["01", "改名", key]])

    def spoil(self) -> None:
        self.drop([["01", "没有主键", ""]])


MOVED: dict[str, Any] = {"done": "done", "bad": "bad"}


class TestCsvThatStays(DiskSource): ...


class TestCsvMovedAway(DiskSource):
    encoding: ClassVar[str] = "gb18030"
    settings: ClassVar[dict[str, Any]] = MOVED

    def test_what_is_read_is_moved(self, subject: Any) -> None:
        self.rows(9)
        list(subject.read(None))
        assert list((self.root / "in").iterdir()) == []
        assert len(list((self.root / "done").iterdir())) == 2


class TestCsvWithManifest(DiskSource):
    settings: ClassVar[dict[str, Any]] = {**MOVED, "ready": {"manifest": "{file}.json"}, "encoding": "gbk"}
    encoding: ClassVar[str] = "gb18030"

    def drop(self, rows: list[list[str]], *, same_time: bool = False) -> None:
        super().drop(rows, same_time=same_time)
        for marker in (self.root / "in").glob("*.ok"):
            data = marker.with_suffix("")
            digest = {"algorithm": "sha256", "value": hashlib.sha256(data.read_bytes()).hexdigest()}
            marker.rename(marker.with_suffix(".json")).write_text(json.dumps({"digest": digest}))


class TestCsvByAge(DiskSource):
    settings: ClassVar[dict[str, Any]] = {"ready": {"age": "60s"}}


class TestJsonLines(DiskSource):
    suffix: ClassVar[str] = ".jsonl"

    def content(self, rows: list[list[str]]) -> bytes:
        return b"".join(json.dumps(dict(zip(COLUMNS.values(), row, strict=True))).encode() + b"\n" for row in rows)


class TestXml(DiskSource):
    suffix: ClassVar[str] = ".xml"
    encoding: ClassVar[str] = "gb18030"
    settings: ClassVar[dict[str, Any]] = {**MOVED, "encoding": "gbk"}

    def content(self, rows: list[list[str]]) -> bytes:
        root = etree.Element("rows")
        for row in rows:
            element = etree.SubElement(root, "row")
            for title, text in zip(COLUMNS.values(), row, strict=True):
                etree.SubElement(element, title).text = text
        text = etree.tostring(root, encoding="unicode")
        return f'<?xml version="1.0" encoding="GB2312"?>{text}'.encode(self.encoding)


class TestXlsx(DiskSource):
    suffix: ClassVar[str] = ".xlsx"

    def content(self, rows: list[list[str]]) -> bytes:
        book = openpyxl.Workbook()
        for row in [list(COLUMNS.values()), *rows]:
            book.active.append(row)
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()
