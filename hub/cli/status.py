"""Decides what `hub status` tells within a minute: what is stuck, why, whose fault it is, and the one command that mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from hub.cli import contacts, exits, looking, needs, terminal, words
from hub.cli.lang import say
from hub.cli.needs import Need
from hub.cli.terminal import Terminal
from hub.model import FAILED, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.settings import Settings, SystemSettings
    from hub.store.runs import Run
    from hub.store.systems import Standing
    from hub.store.views import Backlog, DeadGroup

#: Columns that are shown only while some system has such deliveries.
_RARE = (State.SENDING, State.ACCEPTED, State.HELD, State.PARKED)


def register(app: typer.Typer) -> None:
    """Add `hub status`."""
    help_ = say(
        "各系统一览：欠多少、卡在哪、为什么、找谁、用哪条命令。",
        "Every system at a glance: what is owed, what is stuck, why, whom to ask, and the command that mends it.",
    )
    app.command("status", help=help_)(status)


def status(ctx: typer.Context) -> None:
    """Show: exit 0 when all is well, 1 when something needs a person, 4 when only a far side is unavailable."""
    from hub.engine.exchange import utc_now

    screen = terminal.of(ctx)
    settings = screen.settings()
    found = _look(screen, settings, utc_now())
    if screen.json:
        screen.data(found.data())
    else:
        _show(screen, settings, found)
    raise typer.Exit(found.verdict())


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
    unheard: tuple[str, str] | None = None  # code and message of a failed poll for later verdicts

    def count(self, *states: State) -> int:
        """Return how many deliveries are in these states."""
        return sum(self.backlog[state].count for state in states if state in self.backlog)

    def lamp(self) -> Text:
        """Return how it stands in one word."""
        if self.standing.paused:
            return Text(say("已暂停", "paused"), style="red")
        if not self.standing.open_at(self.now):
            return Text(say("对方不可用", "target down"), style="yellow")
        if self.last is not None and self.last.code:
            return Text(say("读取失败", "unreadable"), style="red")
        return Text(say("正常", "ok"), style="green")


@dataclass(frozen=True, slots=True)
class Found:
    """One look: who works on the store, every system, and what needs doing."""

    holder: str | None
    lines: list[Line]
    needs: list[Need]
    now: datetime

    def verdict(self) -> int:
        """Return the exit code."""
        if any(not need.waits for need in self.needs):
            return exits.FINDINGS
        return exits.UNAVAILABLE if self.needs else exits.DONE

    def data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "hub": {"running": self.holder is not None, "holder": self.holder, "at": self.now},
            "systems": [self._system(line) for line in self.lines],
            "needs": [asdict(need) for need in self.needs],
        }

    @staticmethod
    def _system(line: Line) -> dict[str, Any]:
        return {
            "system": line.system.name,
            "title": line.system.title,
            "contact": line.system.contact,
            "open": line.standing.open_at(line.now),
            "standing": asdict(line.standing),
            "backlog": {state.value: asdict(one) for state, one in line.backlog.items()},
            "last_run": asdict(line.last) if line.last else None,
        }


def _look(screen: Terminal, settings: Settings, now: datetime) -> Found:
    from hub.store import views

    with looking.store_of(settings) as store:
        holder = store.holder()
        with store.reading() as connection:
            backlog = views.backlog(connection)
            flying = views.sending(connection)
            lines = [
                _line(connection, settings, name, views.with_sending(backlog.get(name, {}), flying.get(name, 0)), now)
                for name in sorted(settings.systems)
            ]
    strangers = {name: sum(one.count for one in backlog[name].values()) for name in backlog if name not in settings.systems}
    stuck = needs.of(lines, holder, strangers, settings.timezone)
    return Found(holder, lines, [replace(need, command=screen.command(need.command)) for need in stuck], now)


def _line(connection: Connection, settings: Settings, name: str, backlog: dict[State, Backlog], now: datetime) -> Line:
    from hub.engine import feedback
    from hub.store import systems, views

    system = settings.systems[name]
    dead = views.dead_groups(connection, system=name) if FAILED & backlog.keys() else []
    suppliers = contacts.suppliers(settings, name)
    last = _last(connection, name) if system.kinds else None
    unheard = feedback.last_failure(connection, name) if system.feedback_every is not None else None
    return Line(system, systems.standing(connection, name), backlog, dead, suppliers, last, now, unheard)


def _last(connection: Connection, source: str) -> Run | None:
    """Return the last run that told something about the source: neither skipped nor still at work."""
    from hub.store import runs

    return next((run for run in runs.latest(connection, limit=10, source=source) if run.started_at and run.ended_at), None)


def _show(screen: Terminal, settings: Settings, found: Found) -> None:
    holder = say(f"中枢正在运行（{found.holder}）", f"a hub is at work ({found.holder})")
    serve = screen.command("hub serve")
    nobody = say(f"没有中枢在运行（{serve} 启动）", f"no hub is at work ({serve} starts one)")
    style = "green" if found.holder else "yellow"
    screen.line(f"{settings.title}  {looking.when(found.now, settings.timezone)}  {holder if found.holder else nobody}", style)
    _table(screen, settings, found)
    for need in found.needs:
        screen.line(need.line(), style="yellow" if need.waits else "bold red")
    if not found.needs:
        screen.line(say("没有需要处理的事。", "Nothing needs anybody."), style="green")


def _table(screen: Terminal, settings: Settings, found: Found) -> None:
    rare = [state for state in _RARE if any(line.count(state) for line in found.lines)]
    heads = (("系统", "system", "whole"), ("名称", "name"), ("状态", "stands", "whole"), ("待发", "pending", "right"))
    tail = (("死信", "dead", "right"), ("欠得最久", "owed for", "right"), ("上次读取", "last read", "whole"))
    table = looking.table(*heads, *((words.state(state), words.state(state), "right") for state in rare), *tail)
    for line in found.lines:
        table.add_row(*_row(line, rare, settings))
    screen.out.print(table)


def _row(line: Line, rare: list[State], settings: Settings) -> list[str | Text]:
    owed = [one.oldest for state, one in line.backlog.items() if state not in FAILED]
    last = f"{looking.when(line.last.ended_at, settings.timezone)} {words.run(line.last.state.value)}" if line.last else ""
    return [
        line.system.name,
        line.system.title,
        line.lamp(),
        *(str(line.count(state) or "") for state in (State.PENDING, *rare)),
        str(line.count(*FAILED) or ""),
        looking.since(min(owed), line.now) if owed else "",
        last,
    ]
