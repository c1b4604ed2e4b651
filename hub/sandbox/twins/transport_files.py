"""Decides which files the transport office takes: complete by their manifest, of one of three forms, column by column right."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl import load_workbook

from hub.sandbox.national import SKEW, credit_code_is_valid, identity_is_valid, moment, now
from hub.sandbox.twins.transport_tables import CASE_COLUMNS

#: What must be there, and most bytes in the office's database, which is GBK.
_LENGTHS = {"办件编号": 50, "事项编码": 36, "事项名称": 200, "业户名": 200, "证件类型": 40, "证件号码": 40, "受理时间": 19}
_OPTIONAL = {"业户地址": 400, "联系电话": 40, "行政区域": 12, "备注": 500}
_PAPERS = {"居民身份证": identity_is_valid, "统一社会信用代码": credit_code_is_valid}
_OTHER_PAPERS = frozenset({"护照", "组织机构代码证", "其他证件"})
SHEET = "办件"


class Bad(Exception):
    """A file that is not taken, or a row of it. Says where, quotes no value."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A complete file: its path, that of its manifest, and its rows."""

    path: Path
    manifest: Path
    rows: list[dict[str, str]]


def complete(directory: Path) -> Iterator[tuple[Path, Path, Mapping[str, Any]]]:
    """Yield (file, manifest, what the manifest says) of the files whose manifest is there; nothing else is ever opened."""
    for manifest in sorted(directory.glob("[!.]*.json")):
        path = manifest.with_name(manifest.name.removesuffix(".json"))
        try:
            told = json.loads(manifest.read_bytes())
        except ValueError:
            told = {}
        yield path, manifest, told if isinstance(told, dict) else {}


def opened(path: Path, manifest: Path, told: Mapping[str, Any]) -> Delivered:
    """Return the rows of a file, all of them judged. Raises Bad."""
    content = _proven(path, told)
    forms = {".csv": _csv, ".xlsx": _workbook, ".xml": _xml}
    if path.suffix not in forms:
        raise Bad("不认识的文件类型")
    rows = list(forms[path.suffix](content))
    if len(rows) != told.get("count") or [row["办件编号"] for row in rows] != list(told.get("keys", ())):
        raise Bad("行数或办件编号与清单不符")
    for number, row in enumerate(rows, start=1):
        _judge(number, row)
    return Delivered(path, manifest, rows)


def _proven(path: Path, told: Mapping[str, Any]) -> bytes:
    if told.get("file") != path.name or not path.is_file():
        raise Bad("清单所指的文件不存在")
    content, digest = path.read_bytes(), told.get("digest") or {}
    if digest.get("algorithm") != "sm3" or digest.get("value") != hashlib.new("sm3", content).hexdigest():
        raise Bad("摘要与清单不符")
    if told.get("bytes") != len(content):
        raise Bad("长度与清单不符")
    return content


def _csv(content: bytes) -> Iterator[dict[str, str]]:
    try:
        lines = list(csv.reader(io.StringIO(content.decode("gbk"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Bad("不是 GBK 编码的 CSV") from None
    if not content.endswith(b"\r\n"):
        raise Bad("行尾应为回车换行")
    yield from _lines(lines)


def _workbook(content: bytes) -> Iterator[dict[str, str]]:
    try:
        book = load_workbook(io.BytesIO(content), read_only=True)
        sheet = book[SHEET]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise Bad(f"不是工作簿，或没有名为{SHEET}的工作表") from None
    lines = [[_text(cell.value) for cell in row] for row in sheet.iter_rows()]
    yield from _lines([line + [""] * (len(CASE_COLUMNS) - len(line)) for line in lines])  # empty cells at the end are not stored


def _text(value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise Bad("单元格应为文本")
    return value or ""


def _lines(lines: list[list[str]]) -> Iterator[dict[str, str]]:
    if not lines or tuple(lines[0]) != CASE_COLUMNS:
        raise Bad(f"表头应依次为 {'、'.join(CASE_COLUMNS)}")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(CASE_COLUMNS):
            raise Bad(f"第{number}行列数不对")
        yield dict(zip(CASE_COLUMNS, line, strict=True))


def _xml(content: bytes) -> Iterator[dict[str, str]]:
    head = '<?xml version="1.0" encoding="GBK"?>'
    try:
        text = content.decode("gbk")
        root = etree.fromstring(text.removeprefix(head).encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    except (UnicodeDecodeError, etree.XMLSyntaxError):
        raise Bad("不是 GBK 编码的 XML") from None
    if not text.startswith(head) or root.tag != "办件列表" or root.getroottree().docinfo.doctype:
        raise Bad("应为声明 GBK 的办件列表")
    for element in root:
        fields = {child.tag: child.text or "" for child in element}
        if element.tag != "办件" or len(fields) != len(element) or not set(fields) <= set(CASE_COLUMNS):
            raise Bad("办件的元素重复或未定义")
        yield {column: fields.get(column, "") for column in CASE_COLUMNS}


def _judge(number: int, row: Mapping[str, str]) -> None:
    for column, length in {**_LENGTHS, **_OPTIONAL}.items():
        if column in _LENGTHS and not row[column]:
            raise Bad(f"第{number}行{column}为空")
        try:
            size = len(row[column].encode("gbk"))
        except UnicodeEncodeError:
            raise Bad(f"第{number}行{column}有本系统存不下的字") from None
        if size > length:
            raise Bad(f"第{number}行{column}超过{length}个字节")
    valid = _PAPERS.get(row["证件类型"])
    if valid is None and row["证件类型"] not in _OTHER_PAPERS:
        raise Bad(f"第{number}行证件类型未定义")
    if valid is not None and not valid(row["证件号码"]):
        raise Bad(f"第{number}行证件号码校验位错误")
    accepted = moment(row["受理时间"])
    if accepted is None or accepted > now() + SKEW:
        raise Bad(f"第{number}行受理时间格式错误或晚于当前时间")
