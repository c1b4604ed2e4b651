"""Decides what the platform hands down: verdicts on what it was sent, and the course of the cases the province handles itself.

Its documents are as mixed as in life: some declare GB2312 and hold characters of GB18030, some are UTF-8 with a mark in front, and
some declare GB2312 although a machine with another default wrote UTF-8.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import uuid4

from lxml import etree

#: How documents are written: what they declare, and in which character set they are.
_WRITERS = (("GB2312", "gb18030"), ("GBK", "gb18030"), ("UTF-8", "utf-8-sig"), ("GB2312", "utf-8"))
#: Clerks of the province: rare characters and dotted names, as they are.
_CLERKS = ("王喆", "李堃", "马䶮", "杨𬎆", "古丽·热合曼", "陈—明")


@dataclass(frozen=True, slots=True)
class Down:
    """One row to be handed down: of `provinceinfo`, or of `provinceattr` (`kind` empty)."""

    unid: str
    kind: str
    content: bytes
    file: str = ""


def verdict(row: str, number: str, words: str, when: datetime) -> Down:
    """Return the feedback (type 99) on a row."""
    unid = uuid4().hex  # the same may be said of a row twice within a second
    body = {"CaseUnid": row, "SN": number, "Result": words}
    return Down(unid, "99", _written("Feedback", {}, {"Router": {"Time": f"{when:%Y-%m-%d %H:%M:%S}"}, "Body": body}, unid))


def course(number: str, stage: int, seed: int, when: datetime) -> list[Down]:
    """Return what is handed down about a case in its first (0) or second (1) stage; equal for equal arguments."""
    rng = Random(f"{number}-{seed}")
    clerk, pauses = rng.choice(_CLERKS), rng.random() < 0.5
    made = _first(number, clerk, when, pauses) if stage == 0 else _second(number, clerk, when, pauses)
    return list(made)


def _first(number: str, clerk: str, when: datetime, pauses: bool) -> Iterator[Down]:
    yield _case("80", number, "1", {"Node": _step("3", "审核", "省级审核", clerk, "材料齐全，拟同意", when)})
    if pauses:
        node = _pause(number, "3", "特殊环节开始") | {"SType": "2", "Reason": "需组织专家评审"}
        yield _case("81", number, "1", {"Node": node | _done(clerk, "暂停计时", when) | {"BeginTime": _text(when), "EndTime": ""}})


def _second(number: str, clerk: str, when: datetime, pauses: bool) -> Iterator[Down]:
    if pauses:
        node = _pause(number, "4", "特殊环节结束")
        yield _case("82", number, "1", {"Node": node | _done(clerk, "评审通过", when) | {"ActualTime": _text(when)}})
    yield _case("80", number, "2", {"Node": _step("4", "签发", "省级签发", clerk, "同意", when), "Opinions": ""})
    info = _done(clerk, "准予许可", when) | {"Result": "Y", "DeliveryResult": "N", "MakePublic": "是"}
    yield _case("85", number, "1", {"ApasInfo": {"SN": number} | info, "Attrs": "", "ResultAttrs": ""})
    unid, name = key("attr", number), "省级许可证书"
    paper = {"Unid": unid, "AttrCategory": "1", "AttrName": name, "AttrNumber": f"甘{number[-12:]}"}
    yield _case("86", number, "1", {"ResultAttrs": {"ResultAttr": paper}})
    yield Down(unid, "", f"%PDF-1.4\n% {name} {unid}\n%%EOF\n".encode(), f"{name}.pdf")


def _pause(number: str, code: str, name: str) -> dict[str, str]:
    return {"NodeGuid": key("pause", number), "Code": code, "Name": name, "SName": "专家评审"}


def _step(code: str, name: str, local: str, clerk: str, opinion: str, when: datetime) -> dict[str, Any]:
    times = {"StartTime": _text(when), "Modified": _text(when), "Type": "1", "ProcessedOpinion": opinion}
    return {"Code": code, "Name": name, "SName": local, "NextName": "结束", "NextUser": "", "ProcessedUser": clerk} | times


def _done(clerk: str, opinion: str, when: datetime) -> dict[str, Any]:
    return {"ProcessedUser": clerk, "ProcessedTime": _text(when), "ProcessedOpinion": opinion}


def _case(kind: str, number: str, serial: str, parts: dict[str, Any]) -> Down:
    unid = key(kind, number, serial)
    router = {"FromAreaCode": "621100", "FromAreaName": "定西市", "ToAreaCode": "621125", "ToAreaName": "漳县"}
    body = {"ApasInfo": {"SN": number}} | parts
    return Down(unid, kind, _written("Case", {"unid": unid, "type": kind, "xsd": "1.0"}, {"Router": router, "Body": body}, unid))


def said(content: bytes, place: str) -> str:
    """Return what one of these documents says at a place below Body, whatever character set it was written in."""
    found = re.search(rb"<" + place.rpartition(".")[2].encode() + rb">([^<]*)<", content)
    return found[1].decode() if found else ""


def identifiers(content: bytes) -> list[str]:
    """Return the attachments a document announces."""
    return [found.decode() for found in re.findall(rb"<Unid>([^<]+)<", content)]


def key(*parts: str) -> str:
    """Return an id of 32 characters, equal for equal parts."""
    return hashlib.blake2b(" ".join(parts).encode(), digest_size=16).hexdigest()


def _text(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def _written(root: str, attributes: dict[str, str], parts: dict[str, Any], unid: str) -> bytes:
    declared, charset = _WRITERS[int(unid[:2], 16) % len(_WRITERS)]
    element = etree.Element(root, attributes)
    _fill(element, parts)
    return f'<?xml version="1.0" encoding="{declared}"?>{etree.tostring(element, encoding="unicode")}'.encode(charset)


def _fill(element: etree._Element, parts: dict[str, Any]) -> None:
    for name, value in parts.items():
        child = etree.SubElement(element, name)
        if isinstance(value, dict):
            _fill(child, value)
        else:
            child.text = value
