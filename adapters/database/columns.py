"""Decides whether a feed's table still is what it was: a column gone, or of another kind, stops the feed until somebody agrees.

What the columns were stands in the cursor, beside the bookmarks. Without it every row would come again without the lost column,
and be taken for a change of its data. Reading from the beginning has no cursor: that is how somebody agrees, and is told to what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from adapters.database.keyset import Position
from adapters.database.tables import Column, Shape
from adapters.database.walking import Bookmark
from hub.errors import SourceFailed

#: Before the kind, in the cursor: where the columns of a feed stand, in the form of a bookmark.
_MARK = "columns of "
#: How the values of a column reach the record; a column that only grows wider stays what it was.
_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.types.String, "text"),
    (sa.types.Numeric, "number"),
    (sa.types.Integer, "number"),
    (sa.types.Boolean, "number"),
    (sa.types.DateTime, "time"),
    (sa.types.Date, "time"),
    (sa.types.LargeBinary, "bytes"),
)


def remembered(places: Mapping[str, Bookmark], kind: str) -> dict[str, str]:
    """Return the columns a cursor remembers of a feed, and of which kind they were; empty when it remembers none."""
    place = places.get(_MARK + kind)
    return dict(map(_parted, place.at.key)) if place is not None and place.at is not None else {}


def remember(shape: Shape, hidden: frozenset[str]) -> Bookmark:
    """Return what the cursor remembers of these columns: a bookmark, so that an older program reads over it and keeps it."""
    told = tuple(f"{column.shown} {_kind(column)}" for column in shape.columns if column.shown not in hidden)
    return Bookmark(None, at=Position(None, told))


def place_of(kind: str) -> str:
    """Return under which name the cursor holds the columns of a feed."""
    return _MARK + kind


def compare(before: Mapping[str, str], shape: Shape, where: str) -> None:
    """Raise SourceFailed HUB-S-320 naming every column that is gone or of another kind."""
    if changes := changed(before, shape):
        raise SourceFailed("HUB-S-320", f"{where}: {'; '.join(changes)}", misconfigured=True)


def changed(before: Mapping[str, str], shape: Shape) -> list[str]:
    """Return every column that is gone or of another kind, in words; new ones alone are fine."""
    now = {column.shown: _kind(column) for column in shape.columns}
    gone = [f"column {name} is gone" for name in before if name not in now]
    new = [f"column {name} is new" for name in now if name not in before] if gone else []
    other = [f"{name} was {was} and is {now[name]}" for name, was in before.items() if was and now.get(name) and was != now[name]]
    return [*gone, *new, *other]


def _kind(column: Column) -> str:
    return next((kind for type_, kind in _KINDS if isinstance(column.kind, type_)), "")


def _parted(told: str) -> tuple[str, str]:
    name, _, kind = told.rpartition(" ")
    return name, kind
