"""Decides what the city platform's shared database looks like: messages and attachments up and down, and where a reader confirms.

Table and column names are those of public code of the same kind of platform (Fujian's 省网办, since 2015); lengths are a guess.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()
#: Where a row comes from and goes to.
AREAS = {"fromareacode": 12, "fromareaname": 50, "toareacode": 12, "toareaname": 50}


def _text(name: str, length: int, **more: Any) -> Column[str]:
    return Column(name, String(length), **more)


def _areas() -> list[Column[Any]]:
    return [_text(name, length) for name, length in AREAS.items()]


def _content() -> Column[bytes]:
    return Column("content", LargeBinary(2**24 - 1))


def _key() -> Column[str]:
    return _text("unid", 50, primary_key=True)


def _time() -> Column[str]:
    return _text("createtime", 19, nullable=False)


def _messages(name: str) -> Table:
    header: list[Column[Any]] = [_text("xsdtype", 10), _text("copyright", 50), _text("action", 1), *_areas(), _text("applyfrom", 2)]
    return Table(name, metadata, _key(), _text("type", 10, nullable=False), _time(), *header, _content(), _text("TCHAR3", 50))


def _attachments(name: str, marks: int) -> Table:
    free = (_text(f"TCHAR{number}", 200) for number in range(1, marks + 1))
    return Table(name, metadata, _key(), _time(), *_areas(), _content(), *free)


def _confirmations(name: str) -> Table:
    columns: list[Column[Any]] = [_text("type", 10), _text("updatetime", 19), _content(), _text("createtime", 19)]
    return Table(name, metadata, _key(), *columns, *_areas(), _text("etype", 10))


CITYINFO = _messages("cityinfo")
CITYATTR = _attachments("cityattr", 0)
PROVINCEINFO = _messages("provinceinfo")
PROVINCEATTR = _attachments("provinceattr", 4)
INFOSYNC = _confirmations("provinceinfosync")
ATTRSYNC = _confirmations("provinceattrsync")
Index("ix_provinceinfo_type", PROVINCEINFO.c.type, PROVINCEINFO.c.createtime)

#: What the platform's own people have made of a row; no part of any standard. `verdict`: accepted, rejected.
JUDGED = Table(
    "twin_judged",
    metadata,
    _text("unid", 50, primary_key=True),
    _text("type", 10, nullable=False),
    _text("sn", 50, nullable=False),
    _text("verdict", 10, nullable=False),
    _text("since", 19, nullable=False),  # of a case: when it was applied for
    Column("stage", Integer, nullable=False, default=0),  # of a case the province handles: how much of it was handed down
)
