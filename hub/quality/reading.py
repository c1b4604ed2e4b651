"""Decides what of a stored record becomes facts, and what is wrong with it alone: told by its mappings, its versions, fillers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeAlias

import orjson

from hub.mapping.paths import dig
from hub.model import Json, State
from hub.quality.facts import OF_A_CASE, PRESENCE, Item
from hub.quality.moments import earlier, kept
from hub.quality.rules import catalogue, severity
from hub.settings import PartSettings, TermsSettings
from hub.settings.vocabulary import DIGESTS, MOMENTS
from hub.store.history import Object, Standing, Version

#: id, line, severity
Mark: TypeAlias = tuple[str, str, str]
Data: TypeAlias = Mapping[str, Any]
_TAKEN = frozenset({State.DELIVERED.value, State.ACCEPTED.value, State.CONFIRMED.value})
_FAILED = frozenset({State.DEAD.value, State.REJECTED.value})


@dataclass(slots=True)  # not frozen: made by the million, and freezing doubles the cost
class Row:
    """One record as the report keeps it: whose, its facts, what is wrong with it, and how its deliveries stand."""

    number: str
    facts: list[Any]
    marks: list[Mark]
    standings: list[tuple[str, str]]  # system, state


class Reader:
    """Reads the records of one part of one source. `first_run`: what that run read is history, and not late."""

    def __init__(self, part: PartSettings, terms: TermsSettings, salt: bytes, first_run: int) -> None:
        self._part, self._terms, self._first_run = part, terms, first_run
        self._number = _getter(part.paths["number"])
        self._fetch = [_fetching(one.name, part.paths, salt) for one in fields(OF_A_CASE[part.part])[1:]]
        self._fillers = [_getter(path) for path in part.fillers]
        self._updated = _getter(part.paths["updated"]) if "updated" in part.paths else None
        self._origin = _getter(part.paths["origin"]) if "origin" in part.paths else None
        self._centre = _getter(part.paths["centre"]) if "centre" in part.paths else None

    def row(self, one: Object) -> Row | None:
        """Return what is kept of an object; None where it is gone. A record without a case number belongs to the case ''."""
        newest = one.newest
        if newest.deleted:
            return None
        data: Data = orjson.loads(newest.data)
        number = _word(self._number(data)) or (newest.key if self._part.part == "case" else "")
        marks = set(self._alone(data, newest))
        if one.standings:
            marks.update(_mapped(one.standings))
            marks.update(self._sent(one.standings))
        if len(one.versions) > 1:
            marks.update(self._versions(one.versions))
        standings = [(standing.system, standing.state) for standing in one.standings]
        return Row(number, [fetch(data) for fetch in self._fetch], sorted(marks), standings)

    def _alone(self, data: Data, newest: Version) -> Iterator[Mark]:
        fillers = self._terms.fillers
        for value in self._fillers:
            if _filler(value(data), fillers):
                yield _mark("D03", "value")
                break
        changed = kept(self._updated(data)) if self._updated and newest.run_id != self._first_run else None
        if changed is not None and newest.seen_at - _milliseconds(changed) > _span(self._terms.read):
            yield _mark("T05", "read-late")

    def _sent(self, standings: tuple[Standing, ...]) -> Iterator[Mark]:
        limit = _span(self._terms.sent)
        if any(one.state in _TAKEN and one.changed_at - one.created_at > limit for one in standings):
            yield _mark("T05", "sent-late")
        if any(one.state in _FAILED for one in standings):
            yield _mark("R01", "failed")

    def _versions(self, versions: tuple[Version, ...]) -> Iterator[Mark]:
        """Look at an object's older versions, too: D02, and who wrote it (D01)."""
        told = [orjson.loads(version.data) for version in versions]
        if self._updated:
            times = [kept(self._updated(data)) for data in told]
            if any(earlier(after, before) for before, after in pairwise(times)):
                yield _mark("D02", "older")
        dispatched = self._centre is not None and self._centre(told[-1])  # a sub-centre carries on what the hall began
        if self._origin and not dispatched and len({_word(self._origin(data)) for data in told}) > 1:
            yield _mark("D01", "writers")


def _mapped(standings: tuple[Standing, ...]) -> Iterator[Mark]:
    """Yield what mappings and contracts found; an issue without a number of the catalogue counts as «»."""
    for standing in standings:
        if not standing.issues:
            continue
        for issue in orjson.loads(standing.issues):
            number = issue.get("id") or ""
            yield number if number in catalogue() else "", "", issue["severity"]


def _mark(number: str, line: str) -> Mark:
    return number, line, severity(number, line).value


def item(part: PartSettings, one: Object) -> Item | None:
    """Return an item of the hall's or the published list; None where it is gone."""
    if one.newest.deleted:
        return None
    data: Data = orjson.loads(one.newest.data)
    values = {name: _fetching(name, part.paths, b"")(data) for name in part.paths if name not in {"materials", "updated"}}
    listed = _getter(part.paths["materials"])(data) if "materials" in part.paths else None
    made = Item(part, **{**dict.fromkeys(("code", "name", "department", "state", "version")), **values})
    made.materials = tuple(_names(listed))
    return made


def requirement(part: PartSettings, one: Object) -> tuple[str, str] | None:
    """Return a mandatory material: the code of its item and its name; None where it is gone, or not mandatory."""
    data: Data = {} if one.newest.deleted else orjson.loads(one.newest.data)
    code, name, need = (_fetching(field, part.paths, b"")(data) for field in ("code", "name", "need"))
    mandatory = part.codes.get("mandatory") or {need}
    return (code, name) if code and name and need in mandatory else None


def _names(value: Json) -> list[str]:
    """Return the names of materials from a list, or from text that separates them with the usual marks."""
    if isinstance(value, list):
        return [str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in value]
    text = _word(value) or ""
    for mark in "；;、，,\n":
        text = text.replace(mark, " ")
    return text.split()


# --- values ---


def _getter(path: str) -> Callable[[Data], Json]:
    keys = tuple(path.split("."))
    if len(keys) == 1:
        return lambda data: data.get(path)
    return lambda data: dig(data, keys)


def _fetching(name: str, paths: Mapping[str, str], salt: bytes) -> Callable[[Data], Json]:
    """Return what fetches one field of the vocabulary in the form it is kept in."""
    path = paths.get(name)
    if path is None:
        return lambda data: None
    get, flat = _getter(path), "." not in path
    if name in MOMENTS:
        return (lambda data: kept(data.get(path))) if flat else (lambda data: kept(get(data)))
    if name in PRESENCE:
        return lambda data: "1" if _word(get(data)) else None
    if name in DIGESTS:
        return lambda data: _digest(_word(get(data)), salt)
    return (lambda data: _word(data.get(path))) if flat else (lambda data: _word(get(data)))


def _word(value: Json) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    return None if value is None or isinstance(value, dict | list) else str(value)


def _digest(word: str | None, salt: bytes) -> str | None:
    return hashlib.blake2b(word.upper().encode("utf-8", "surrogatepass"), key=salt, digest_size=12).hexdigest() if word else None


def _filler(value: Json, fillers: frozenset[str]) -> bool:
    word = _word(value)
    return word is not None and (word in fillers or (" " in word and word.partition(" ")[0] in fillers))


def _span(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)


_EPOCH = 62_135_596_800 + 8 * 3600  # from the year 1 to 1970 in Beijing, where no clock is changed


def _milliseconds(moment: int) -> int:
    """Return a moment as the store keeps times: milliseconds since 1970 UTC."""
    return (moment // 2 - _EPOCH) * 1000
