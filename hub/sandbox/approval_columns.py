"""Decides how the columns of the county's approval database are written: text of a length with its Chinese title, and two marks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, String

metadata = MetaData()


def text(name: str, length: int, title: str, **more: Any) -> Column[str]:
    """Return a text column of at most `length` characters."""
    return Column(name, String(length), comment=title, **more)


def updated() -> Column[str]:
    """Return the column to read increments by."""
    return text("GXSJ", 19, "更新时间", nullable=False)


def origin() -> Column[str]:
    """Return the column that tells who brought a row."""
    return text("LYXT", 32, "来源系统: 外来的行写明是谁送来的, 大厅自己的行为空")
