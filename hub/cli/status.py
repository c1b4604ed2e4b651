"""Decides what `hub status` tells within a minute: what is stuck, why, whose fault it is, and the one command that mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from hub.cli import exits, looking, terminal
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.model import FAILED, State

if TYPE_CHECKING:
    from hub.settings import Settings, SystemSettings
    from hub.store.runs import Run
    from hub.store.systems import Standing
    from hub.store.views import Backlog


def register(app: typer.Typer) -> None:
    """Add `hub status`."""
    help_ = say(
        "各系统一览：欠多少、卡在哪、为什么、怎么办。",
        "Every system at a glance: what is owed, what is stuck, why, and what mends it.",
    )
    app.command("status", help=help_)(status)


def status(ctx: typer.Context) -> None:
    """Show: exit 0 when nothing needs a person, else 1."""
    from hub.engine.exchange import utc_now

    screen = terminal.of(ctx)
    settings = screen.settings()
    now = utc_now()
    lines = _look(settings, now)
    if screen.json:
        screen.data([line.data() for line in lines])
    else:
        _show(screen, settings, lines, now)
    raise typer.Exit(exits.FINDINGS if any(line.advice() for line in lines) else exits.DONE)


@dataclass(frozen=True, slots=True)
class Line:
    """One system as it stands."""

    system: SystemSettings
    standing: Standing
    backlog: dict[State, Backlog]
    last: Run | None
    now: datetime

    def count(self, *states: State) -> int:
        """Return how many deliveries are in these states."""
        return sum(self.backlog[state].count for state in states if state in self.backlog)

    def lamp(self) -> Text:
        """Return how it stands in one word."""
        if self.standing.paused:
            return Text(say("已暂停", "paused"), style="red")
        if not self.standing.open_at(self.now):
            return Text(say("对方不可用", "target down"), style="yellow")
        return Text(say("正常", "ok"), style="green")

    def advice(self) -> tuple[str, str] | None:
        """Return what needs a person and the command that mends it, None when nothing does."""
        name = self.system.name
        if self.standing.paused:
            return (f"{self.standing.code or ''} {self.standing.reason or ''}".strip(), f"hub resume {name}")
        if number := self.count(*FAILED):
            return (say(f"{number} 条死信", f"{number} dead letters"), f"hub dead list --system {name}")
        if number := self.count(State.HELD):
            return (say(f"{number} 条待人工", f"{number} held"), f"hub dead list --held --system {name}")
        return None

    def data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "system": self.system.name,
            "title": self.system.title,
            "contact": self.system.contact,
            "standing": asdict(self.standing),
            "backlog": {state.value: asdict(one) for state, one in self.backlog.items()},
            "last_run": asdict(self.last) if self.last else None,
        }


def _look(settings: Settings, now: datetime) -> list[Line]:
    from hub.store import runs, systems, views

    with looking.store_of(settings) as store, store.reading() as connection:
        backlog = views.backlog(connection)
        flying = views.sending(connection)
        lines = []
        for name, system in sorted(settings.systems.items()):
            last = runs.latest(connection, limit=1, source=name) if system.kinds else []
            mine = views.with_sending(backlog.get(name, {}), flying.get(name, 0))
            lines.append(Line(system, systems.standing(connection, name), mine, last[0] if last else None, now))
    return lines


def _show(screen: Terminal, settings: Settings, lines: list[Line], now: datetime) -> None:
    from rich.table import Table

    table = Table(title=settings.title, title_justify="left")
    for zh, en, right in _COLUMNS:
        table.add_column(say(zh, en), justify="right" if right else "left")
    for line in lines:
        table.add_row(*_row(line, settings, now))
    screen.out.print(table)
    for line in lines:
        if advice := line.advice():
            contact = f"  {say('联系', 'contact')}: {line.system.contact}" if line.system.contact else ""
            screen.line(f"{line.system.name}: {advice[0]} → {advice[1]}{contact}", style="yellow")


_COLUMNS = (
    ("系统", "system", False),
    ("名称", "name", False),
    ("状态", "stands", False),
    ("待发", "pending", True),
    ("发送中", "sending", True),
    ("待结论", "accepted", True),
    ("待人工", "held", True),
    ("等父记录", "parked", True),
    ("死信", "dead", True),
    ("最早一条", "oldest", True),
    ("上次读取", "last run", False),
)


def _row(line: Line, settings: Settings, now: datetime) -> list[str | Text]:
    owed = [one.oldest for state, one in line.backlog.items() if state not in FAILED]
    last = f"{looking.when(line.last.ended_at, settings.timezone)} {line.last.state.value}" if line.last else ""
    counts = (State.PENDING, State.SENDING, State.ACCEPTED, State.HELD, State.PARKED)
    return [
        line.system.name,
        line.system.title,
        line.lamp(),
        *(str(line.count(state) or "") for state in counts),
        str(line.count(*FAILED) or ""),
        looking.since(min(owed), now) if owed else "",
        last,
    ]
