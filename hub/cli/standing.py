"""Decides how `hub status` lays out the systems: by platform where there are any, with what is well folded into one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from hub.cli import looking, words
from hub.cli.lang import say
from hub.model import FAILED, Circuit, State

if TYPE_CHECKING:
    from rich.table import Table

    from hub.cli.needs import Need
    from hub.engine.feedback import Unheard
    from hub.engine.feeds import Short
    from hub.settings import Settings, SystemSettings
    from hub.settings.hours import Closed
    from hub.store.gate import Waiting
    from hub.store.groups import DeadGroup
    from hub.store.runs import Run
    from hub.store.systems import Standing
    from hub.store.views import Backlog
    from hub.store.waiting import Retrying

#: Columns that, with what stands behind held ones, are shown only while some system has such deliveries.
_RARE = (State.SENDING, State.ACCEPTED, State.HELD, State.PARKED)


@dataclass(frozen=True, slots=True)
class Line:
    """One system as it stands; `last` is its last ended run, where it is a source; `suppliers` are the sources that feed it."""

    system: SystemSettings
    standing: Standing
    backlog: dict[State, Backlog]
    dead: list[DeadGroup]
    suppliers: list[SystemSettings]
    last: Run | None
    now: datetime
    unheard: Unheard | None = None  # a failed poll for later verdicts
    gates: Mapping[str, Waiting] = field(default_factory=dict)  # what waits for approval, by whose
    behind: Mapping[str, Backlog] = field(default_factory=dict)  # what stands behind held ones, by whose approval those need
    retrying: Retrying | None = None
    short: Sequence[Short] = ()  # feeds that give less than is expected of them
    closed: Closed | None = None  # outside its opening hours, or under maintenance
    spent_until: datetime | None = None  # its rate is used up until then
    adds_up: bool = True  # the account of `last`, recounted in the store

    def sendable(self) -> bool:
        """Return whether messages may leave for it now."""
        return self.standing.open_at(self.now) and self.closed is None and self.spent_until is None

    def count(self, *states: State) -> int:
        """Return how many deliveries are in these states."""
        return sum(self.backlog[state].count for state in states if state in self.backlog)

    def held(self) -> int:
        """Return how many deliveries wait for a person, and not for an approval."""
        return self.count(State.HELD) - sum(one.count for one in self.gates.values())

    def reach(self) -> str:
        """Return in one word why nothing comes from it or goes there; empty where nothing hinders."""
        if self.standing.paused:
            return say("已暂停", "paused")
        if self.closed:
            return say("关门", "closed")
        if self.standing.circuit(self.now) is not Circuit.CLOSED:
            return say("熔断", "target down")
        if not self.standing.open_at(self.now):
            return say("稍后再来", "told to wait")
        if self.spent_until:
            return say("限速", "at its rate")
        return say("读取失败", "unreadable") if self.last is not None and self.last.failed else ""

    def lamp(self, first: Need | None) -> Text:
        """Return how it stands in one word. `first`: the first of what is to be known about it, if there is anything."""
        if first is None:
            return Text(say("正常", "ok"), style="green")
        return Text(self.reach() or first.word, style="yellow" if first.waits else "red")

    def owed_since(self) -> datetime | None:
        """Return since when the oldest delivery is owed that waits for no person."""
        waits = {*FAILED, State.HELD}
        return min((one.oldest for state, one in self.backlog.items() if state not in waits), default=None)


@dataclass(frozen=True, slots=True)
class _Rare:
    """The rarer columns that are shown this time."""

    states: tuple[State, ...]
    behind: bool

    def names(self) -> list[str]:
        return [*(words.state(state) for state in self.states), *([words.behind()] if self.behind else [])]

    def counts(self, lines: Sequence[Line]) -> list[int]:
        waits = sum(one.count for line in lines for one in line.behind.values())
        return [*(sum(line.count(state) for line in lines) for state in self.states), *([waits] if self.behind else [])]


def table(settings: Settings, lines: Sequence[Line], troubled: Mapping[str, Need], *, everything: bool) -> Table:
    """Return the table of all systems. `troubled`: what comes first of each that is never folded; `everything`: none is."""
    rare = _Rare(tuple(state for state in _RARE if any(line.count(state) for line in lines)), any(line.behind for line in lines))
    heads = (("系统", "system", "whole"), ("名称", "name"), ("状态", "stands", "whole"), ("待发", "pending", "right"))
    tail = (("死信", "dead", "right"), ("欠得最久", "owed for", "right"), ("上次读取", "last read", "whole"))
    drawn = looking.table(*heads, *((name, name, "right") for name in rare.names()), *tail)
    if not settings.platforms:
        for line in lines:
            drawn.add_row(*_row(line, troubled.get(line.system.name), rare, settings))
        return drawn
    for title, members in _groups(settings, {line.system.name: line for line in lines}):
        shown = [line for line in members if everything or line.system.name in troubled]
        drawn.add_row(*_sum(title, members, troubled, rare, settings))
        for line in shown:
            drawn.add_row(*_row(line, troubled.get(line.system.name), rare, settings, indent="  "))
    return drawn


def _groups(settings: Settings, lines: Mapping[str, Line]) -> Iterator[tuple[str, list[Line]]]:
    for platform in settings.platforms:
        if members := [lines[name] for name in platform.systems if name in lines]:
            yield platform.title, members
    grouped = {name for platform in settings.platforms for name in platform.systems}
    if rest := [line for name, line in lines.items() if name not in grouped]:
        yield say("未分组", "in no platform"), rest


def _sum(title: str, members: Sequence[Line], troubled: Mapping[str, Need], rare: _Rare, settings: Settings) -> list[str | Text]:
    """Return the line of a whole platform."""
    bad = sum(line.system.name in troubled for line in members)
    names = say(f"{len(members)} 个系统", words.counted(len(members), "system"))
    lamp = Text(say(f"{bad} 个有事", f"{bad} to look at"), style="red") if bad else Text(say("正常", "ok"), style="green")
    reads = [line.last for line in members if line.last and line.last.ended_at]
    newest = max(reads, key=lambda run: run.ended_at or run.asked_at, default=None)
    return [Text(title, style="bold"), names, lamp, *_numbers(members, rare), _read(newest, settings)]


def _row(line: Line, first: Need | None, rare: _Rare, settings: Settings, indent: str = "") -> list[str | Text]:
    name = f"{indent}{line.system.name}"
    return [name, line.system.title, line.lamp(first), *_numbers([line], rare), _read(line.last, settings)]


def _numbers(lines: Sequence[Line], rare: _Rare) -> list[str]:
    """Return what is pending, what is in the rarer states, what is dead, and since when the oldest is owed."""
    counts = [sum(line.count(State.PENDING) for line in lines), *rare.counts(lines)]
    owed = [since for line in lines if (since := line.owed_since())]
    dead = sum(line.count(*FAILED) for line in lines)
    return [*(str(one or "") for one in counts), str(dead or ""), looking.since(min(owed), lines[0].now) if owed else ""]


def _read(last: Run | None, settings: Settings) -> str:
    return f"{looking.when(last.ended_at, settings.timezone)} {words.run(last.state.value)}" if last else ""


def datasets(settings: Settings, records: Mapping[tuple[str, str], int]) -> str:
    """Return how many objects each dataset holds, as one line."""
    counted = [(one.title, sum(records.get(kind, 0) for kind in one.kinds)) for one in settings.datasets]
    return "  ".join(f"{title} {count:,}" for title, count in counted)
