"""What each far side must hold in the end, from the source and the mappings alone, and whether it does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hub.mapping import Envelope
from hub.model import Record
from hub.ports import Source
from hub.sandbox.ledger import Held
from hub.settings import Settings

#: What a body says about its sending, and not about the case.
SENDING = {"cd_batch", "cd_time", "Cd_batch", "Cd_time"}


def equal(wanted: dict[str, dict[str, Any]], held: list[Held]) -> None:
    """Demand: nothing lost, nothing extra, nothing doubled, and every row as the mapping made it."""
    there = Counter(one.row for one in held)
    assert not (lost := wanted.keys() - there.keys()), f"lost: {sorted(lost)}"
    assert not (extra := there.keys() - wanted.keys()), f"extra: {sorted(extra)}"
    assert not (twice := [row for row, times in there.items() if times > 1]), f"doubled: {twice}"
    wrong = [one.row for one in held if not _same(wanted[one.row], one)]
    assert wrong == []


def _same(body: dict[str, Any], held: Held) -> bool:
    return all(
        str("" if held.content[name] is None else held.content[name])[:19] == str(value)[:19]
        for name, value in body.items()
        if name not in SENDING
    )


def idempotent(stats: Any, doubtful: int) -> None:
    """What came twice was the same bytes twice, and only what a death had left in doubt."""
    assert stats["updated"] == stats["order_violations"] == stats.get("doubled", 0) == 0
    assert stats["duplicates"] <= doubtful


@dataclass(frozen=True)
class Sorted:
    """Rows of one far side by row key, and the lanes whose parent row was refused."""

    rows: dict[str, tuple[str, bool, dict[str, Any]]]
    broken: set[str]


def wanted(settings: Settings) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what each far side must hold in the end, from the source and the mappings alone: row -> body."""
    found = {system.name: Sorted({}, set()) for system in settings.systems.values() if system.endpoints and system.name != "local"}
    for record in _records(settings):
        for route in settings.routes_for("local", record.kind):
            if route.when(record.data):
                _sort(found[route.system], route, record)
    return {
        name: {row: body for row, (lane, child, body) in one.rows.items() if not (child and lane in one.broken)}
        for name, one in found.items()
    }


def _sort(found: Sorted, route: Any, record: Record) -> None:
    lane = route.lane_of(record.data)
    envelope = Envelope(operation="I", batch="B", key=record.key, revision=record.revision, kind=record.kind, lane=lane)
    body, _ = route.mapping.apply(record.data, envelope)
    if body is not None:
        found.rows[body[route.row] if route.row else record.key] = (lane, route.parent is not None, body)
    elif route.parent is None:
        found.broken.add(lane)


def _records(settings: Settings) -> list[Record]:
    source = settings.systems["local"].open()
    assert isinstance(source, Source)
    try:
        return [record for page in source.read(None) for record in page.records]
    finally:
        source.close()
