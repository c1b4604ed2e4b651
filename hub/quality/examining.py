"""Decides what is wrong with each case: reads the store once, brings its records together, judges case by case."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.quality.bench import Bench
from hub.quality.facts import OF_A_CASE, Case, Evaluation, Item, Items, Main
from hub.quality.judging import judge
from hub.quality.moments import Moment, at, day, minute
from hub.quality.reading import Mark, Reader, Row, item, requirement
from hub.quality.rules import severity
from hub.quality.staging import Staging
from hub.settings import PartSettings, QualitySettings
from hub.store import Store, history

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One case and everything found wrong with it. `marks`: rule, line, severity; `standings`: system, state."""

    number: str
    department: str
    item: str
    item_name: str
    accepted: Moment | None
    closed: bool
    marks: frozenset[Mark]
    standings: tuple[tuple[str, str], ...] = ()

    @property
    def rules(self) -> set[str]:
        """Return the rules it fails."""
        return {rule for rule, _, _ in self.marks}

    @property
    def lines(self) -> set[tuple[str, str]]:
        """Return the lines it fails, each with its rule."""
        return {(rule, line) for rule, line, _ in self.marks}

    @property
    def blocked(self) -> bool:
        """Say whether anything found is more than a warning."""
        return any(mark[2] == "block" for mark in self.marks)


def lists(store: Store, quality: QualitySettings) -> Items:
    """Return the hall's list and the published one as the store has them; they are short and kept in memory."""
    hall = _list(store, quality, "item")
    for code, name in _required(store, quality) if hall else ():
        for one in (hall or {}).get(code, ()):
            one.materials += (name,)
    return Items(hall, _list(store, quality, "published"))


def _required(store: Store, quality: QualitySettings) -> Iterator[tuple[str, str]]:
    """Yield the mandatory materials that stand in records of their own, each with the code of its item."""
    for part in (one for one in quality.parts if one.part == "requirement"):
        for one in history.objects(store, part.source, part.kind):
            if (found := requirement(part, one)) is not None:
                yield found


def _list(store: Store, quality: QualitySettings, name: str) -> dict[str, list[Item]] | None:
    """Return one list by code; None where none of it was ever read: then nothing can be said."""
    found: dict[str, list[Item]] = {}
    for part in (one for one in quality.parts if one.part == name):
        for one in history.objects(store, part.source, part.kind):
            made = item(part, one)
            if made is not None and made.code:
                found.setdefault(made.code, []).append(made)
    return found or None


def verdicts(store: Store, quality: QualitySettings, now: datetime, known: Items) -> Iterator[Verdict]:
    """Yield every case with what is wrong with it, by number. What belongs to no case comes first, as the case «»."""
    with TemporaryDirectory(prefix="hub-quality-") as directory, Staging(Path(directory)) as staging:
        _stage(store, quality, staging)
        terms = quality.terms
        parts = frozenset(part.part for part in quality.parts)
        bench = Bench(at(now), terms, parts, known, staging.twice(), staging.in_bulk(terms.praise))
        for number, rows in staging.cases():
            yield _verdict(number, rows, quality.parts, bench)


def _stage(store: Store, quality: QualitySettings, staging: Staging) -> None:
    salt = secrets.token_bytes(32)  # digests compare within this report only
    for position, part in enumerate(quality.parts):
        if part.part not in OF_A_CASE:
            continue
        with store.reading() as connection:
            reader = Reader(part, quality.terms, salt, history.first_run(connection, part.source))
        read = (row for one in history.objects(store, part.source, part.kind) if (row := reader.row(one)) is not None)
        while rows := list(islice(read, _CHUNK)):
            staging.add(position, rows)
            if part.part == "case":
                staging.applied(_applications(part, rows))
            if part.part == "evaluation":
                staging.praised(_praise(part, rows))


def _applications(part: PartSettings, rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        main = Main(part, *row.facts)
        if main.applicant and main.item and main.applied is not None:
            yield f"{main.applicant} {main.item} {day(main.applied)}", f"{part.source}/{main.origin or ''}", row.number


def _praise(part: PartSettings, rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        one = Evaluation(part, *row.facts)
        if one.means("best", one.level) and not one.means("defaulted", one.automatic) and one.at is not None:
            yield f"{one.place} {minute(one.at)}", row.number


def _verdict(number: str, rows: list[tuple[int, Row]], parts: tuple[PartSettings, ...], bench: Bench) -> Verdict:
    case = Case(number)
    marks: set[Mark] = set()
    standings: list[tuple[str, str]] = []
    for position, row in rows:
        part = parts[position]
        case.add(OF_A_CASE[part.part](part, *row.facts))
        marks.update(tuple(mark) for mark in row.marks)  # type: ignore[misc]  # JSON gave lists
        standings += row.standings
    if number:
        marks.update((rule, line, severity(rule, line).value) for rule, line in judge(case, bench))
    main = case.main
    return Verdict(
        number,
        (main.department if main else None) or "",
        (main.item if main else None) or "",
        (main.item_name if main else None) or "",
        (main.accepted if main.accepted is not None else main.applied) if main else None,
        bool(case.results),
        frozenset(marks),
        tuple((system, state) for system, state in standings),
    )
