"""Draws up the account: what the hub says it owes and delivered, against what the far sides really hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from hub.demo import exchanges, review
from hub.engine.service import Service
from hub.model import TAKEN, State
from hub.sandbox.flaws import GroundTruth
from hub.sandbox.ledger import Held
from hub.sandbox.twins.local import KINDS
from hub.store import groups, runs, schema
from hub.store.groups import DeadGroup
from hub.store.runs import Run

#: States in which the far side holds the row: taken, or taken and later refused.
_OVER_THERE = {*TAKEN, State.REJECTED}
#: The local table behind each kind of record that the local database gives.
TABLES = {kind: table for table, kind in KINDS.items()} | {"application": "T_BJ"}


@dataclass(frozen=True, slots=True)
class Owed:
    """One delivery with its frozen body, as the store has it."""

    system: str
    kind: str
    key: str
    row: str
    state: State
    spent: int  # tries that failed and counted
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """The account of one far side. `retried`: deliveries of which a try failed."""

    system: str
    title: str
    owed: int
    states: Counter[State]
    retried: int
    groups: tuple[DeadGroup, ...]
    faults: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, with what was found."""

    zh: str
    en: str
    holds: bool
    found: str


@dataclass(frozen=True, slots=True)
class Account:
    """Runs, one line an exchange, one a far side, and the checks. It adds up when all checks hold."""

    runs: tuple[Run, ...]
    exchanges: tuple[exchanges.Line, ...]
    lines: tuple[Line, ...]
    checks: tuple[Check, ...]

    @property
    def adds_up(self) -> bool:
        """Whether nothing is lost and nothing doubled."""
        return all(check.holds for check in self.checks)


def draw(
    service: Service,
    numbers: Sequence[int],
    held: Mapping[str, list[Held]],
    stats: Mapping[str, Mapping[str, Any]],
    offered: Mapping[str, Sequence[tuple[str, str]]],
    truth: GroundTruth,
) -> Account:
    """Draw up the account of a finished demo: `held`, `stats` and `offered` are what each far side says of itself."""
    settings = service.exchange.settings
    with service.store.reading() as connection:
        ended = tuple(run for number in numbers if (run := runs.get(connection, number))) + tuple(runs.pushed(connection))
        dead = groups.unfolded(connection)
        owed = {name: _owed(connection, name) for name in held}
        read = {name: _read(connection, name) for name in offered}
        exchanged = exchanges.lines(connection, stats)
        approvals = review.heeded(connection, settings)
    lines = tuple(
        _line(name, settings.systems[name].title, owed[name], [group for group in dead if group.system == name], stats[name])
        for name in held
    )
    checks = [
        _adds_up(ended),
        _approved(*approvals),
        *(_all_read(name, offered[name], read[name]) for name in offered if offered[name]),
        *(check for name in held if settings.systems[name].endpoints for check in _held(name, owed[name], held[name], stats[name])),
        *(_let_in(name, stats[name]) for name in held if "misjudged" in stats[name]),
        *(check for name in held for check in _flaws(name, owed[name], truth)),
    ]
    return Account(ended, exchanged, lines, tuple(checks))


def _owed(connection: Any, system: str) -> list[Owed]:
    ours, body = schema.delivery, schema.body
    query = (
        select(ours.c.kind, ours.c.key, ours.c.row, ours.c.state, ours.c.spent, body.c.body)
        .join_from(ours, body, body.c.delivery_id == ours.c.id, isouter=True)
        .where(ours.c.system == system)
        .order_by(ours.c.id)
    )
    return [
        Owed(
            system,
            row.kind,
            row.key,
            row.row or row.key,
            State(row.state),
            row.spent,
            orjson.loads(row.body) if row.body else {},
        )
        for row in connection.execute(query)
    ]


def _line(name: str, title: str, owed: Sequence[Owed], groups: Iterable[DeadGroup], stats: Mapping[str, Any]) -> Line:
    states = Counter(one.state for one in owed)
    retried = sum(one.spent > 0 for one in owed)
    faults = {str(kind): number for kind, number in dict(stats.get("faults", {})).items() if number}
    return Line(name, title, len(owed), states, retried, tuple(groups), faults)


def _read(connection: Any, source: str) -> set[tuple[str, str]]:
    record = schema.record
    return {(row.kind, row.key) for row in connection.execute(select(record.c.kind, record.c.key).where(record.c.source == source))}


def _adds_up(ended: Sequence[Run]) -> Check:
    read, parts = sum(run.read for run in ended), sum(run.unchanged + run.accepted + run.rejected for run in ended)
    return Check("读取 = 接收 + 未变化 + 拒收", "read = accepted + unchanged + rejected", read == parts, f"{read} = {parts}")


def _approved(approved: int, refused: int, unapproved: Sequence[int]) -> Check:
    zh, en = (
        "该审批的都先经批准才发出（批准 / 不批准 / 未经批准）",
        "nothing left before its approval (approved / refused / unapproved)",
    )
    return Check(zh, en, not unapproved, f"{approved} / {refused} / {len(unapproved)}")


def _all_read(name: str, offered: Sequence[tuple[str, str]], read: set[tuple[str, str]]) -> Check:
    missed = set(offered) - read
    found = f"{len(offered) - len(missed)} / {len(offered)}"
    return Check(f"{name}：给出的每一行都读到了", f"{name}: every row it has was read", not missed, found)


def _let_in(name: str, stats: Mapping[str, Any]) -> Check:
    wrong = stats["misjudged"]
    zh, en = f"{name}：冒名的推送没有放进来，重发没有重记", f"{name}: no stranger's push was let in, no repeat taken for news"
    return Check(zh, en, not wrong, str(wrong))


def _held(name: str, owed: Sequence[Owed], held: Sequence[Held], stats: Mapping[str, Any]) -> list[Check]:
    sent = {one.row: one for one in owed if one.state in _OVER_THERE}
    there = Counter(one.row for one in held)
    lost, extra = set(sent) - set(there), set(there) - set(sent)
    doubled = [row for row, number in there.items() if number > 1]
    different = [one.row for one in held if one.row in sent and not _same(sent[one.row].body, one.content)]
    waiting = [one for one in owed if one.state in (State.PENDING, State.HELD, State.ACCEPTED)]
    violations = stats.get("order_violations", 0)
    return [
        Check(f"{name}：没有丢失", f"{name}: nothing is lost", not lost, f"{len(sent)} → {len(held)}"),
        Check(f"{name}：没有多出", f"{name}: nothing extra", not extra, str(len(extra))),
        Check(f"{name}：没有重复", f"{name}: nothing doubled", not doubled and not stats.get("doubled", 0), str(len(doubled))),
        Check(f"{name}：内容一致", f"{name}: contents equal", not different, str(len(different))),
        Check(f"{name}：没有悬而未决", f"{name}: nothing left waiting", not waiting, str(len(waiting))),
        Check(f"{name}：先父后子", f"{name}: parents before children", not violations, str(violations)),
    ]


def _flaws(name: str, owed: Sequence[Owed], truth: GroundTruth) -> list[Check]:
    refused = truth.refused(name)
    wrong = [one for one in owed if one.state in _OVER_THERE and _place(one) in refused]
    innocent = [one for one in owed if one.state is State.DEAD and _place(one) not in refused]
    return [
        Check(
            f"{name}：错的都拦下了（有意弄错 / 漏过）",
            f"{name}: every planted flaw was stopped (planted / let through)",
            not wrong,
            f"{len(refused)} / {len(wrong)}",
        ),
        Check(f"{name}：对的没有误伤", f"{name}: nothing sound was refused", not innocent, str(len(innocent))),
    ]


def _place(one: Owed) -> tuple[str, str]:
    """Return where a planted flaw would stand: the local table or, for what comes from elsewhere, the kind; and the key."""
    return TABLES.get(one.kind, one.kind), one.key


def _same(body: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    return all(_text(content.get(field)) == _text(value) for field, value in body.items())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
