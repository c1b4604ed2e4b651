"""Decides what `hub status` tells within a minute: what is stuck, why, whose fault it is, and the one command that mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import contacts, exits, looking, needs, standing, terminal, workers
from hub.cli.lang import say
from hub.cli.needs import Need
from hub.cli.standing import Line
from hub.cli.terminal import Terminal
from hub.model import FAILED, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.settings import PlatformSettings, Settings
    from hub.store.objects import Objects
    from hub.store.runs import Run
    from hub.store.views import Backlog
    from hub.store.workers import Worker


def register(app: typer.Typer) -> None:
    """Add `hub status`."""
    help_ = say(
        "各系统一览：欠多少、卡在哪、为什么、找谁、用哪条命令。",
        "Every system at a glance: what is owed, what is stuck, why, whom to ask, and the command that mends it.",
    )
    app.command("status", help=help_)(status)


def status(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help=say("逐个列出，正常的也不折叠", "list every system, also those that are well"))
    ] = False,
) -> None:
    """Show: exit 0 when all is well, 1 when something needs a person, 4 when only a far side is unavailable."""
    from hub.engine.exchange import utc_now

    screen = terminal.of(ctx)
    settings = screen.settings()
    found = _look(screen, settings, utc_now())
    if screen.json:
        screen.data(found.data(settings))
    else:
        _show(screen, settings, found, everything=everything)
    raise typer.Exit(found.verdict())


@dataclass(frozen=True, slots=True)
class Found:
    """One look: who works on the store, every system, and what needs doing."""

    holder: str | None
    lines: list[Line]
    needs: list[Need]
    now: datetime
    records: Objects  # objects ever read, by source and kind
    workers: list[Worker]

    def verdict(self) -> int:
        """Return the exit code."""
        if any(not need.waits for need in self.needs):
            return exits.FINDINGS
        return exits.UNAVAILABLE if self.needs else exits.DONE

    def data(self, settings: Settings) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "hub": {"running": self.holder is not None, "holder": self.holder, "at": self.now},
            "workers": [asdict(one) for one in self.workers],
            "systems": [self._system(line, settings.platform_of(line.system.name)) for line in self.lines],
            "platforms": [asdict(one) for one in settings.platforms],
            "datasets": [
                {
                    **asdict(one),
                    "kinds": ["/".join(kind) for kind in one.kinds],
                    "records": sum(self.records.get(k, 0) for k in one.kinds),
                }
                for one in settings.datasets
            ],
            "needs": [asdict(need) for need in self.needs],
        }

    @staticmethod
    def _system(line: Line, platform: PlatformSettings | None) -> dict[str, Any]:
        return {
            "platform": platform.name if platform else None,
            "system": line.system.name,
            "title": line.system.title,
            "contact": line.system.contact,
            "open": line.standing.open_at(line.now) and line.closed is None,
            "standing": asdict(line.standing),
            "circuit": line.standing.circuit(line.now).value,
            "closed": asdict(line.closed) if line.closed else None,
            "rate_spent_until": line.spent_until,
            "backlog": {state.value: asdict(one) for state, one in line.backlog.items()},
            "gates": {approver: asdict(one) for approver, one in line.gates.items()},
            "behind": {approver: asdict(one) for approver, one in line.behind.items()},
            "retrying": asdict(line.retrying) if line.retrying else None,
            "last_run": asdict(line.last) if line.last else None,
            "short": [asdict(one) for one in line.short],
        }


def _look(screen: Terminal, settings: Settings, now: datetime) -> Found:
    from hub.engine import feeds
    from hub.store import clocks, gate, objects, views, waiting
    from hub.store.workers import everybody

    with looking.store_of(settings) as store:
        holder = store.holder()
        with store.reading() as connection:
            backlog = views.backlog(connection)
            pending, behind = waiting.apart(connection, backlog)
            flying, gates = views.sending(connection), gate.waiting(connection)
            short = feeds.short(connection, settings, now)
            lines = [
                replace(
                    _line(connection, settings, name, views.with_sending(pending.get(name, {}), flying.get(name, 0)), now),
                    gates=gates.get(name, {}),
                    behind=behind.get(name, {}),
                    short=[one for one in short if one.system == name],
                )
                for name in sorted(settings.systems)
            ]
            records = objects.read(connection) if settings.datasets else {}
            crew, ahead = everybody(connection), clocks.ahead(connection)
    strangers = {name: sum(one.count for one in backlog[name].values()) for name in backlog if name not in settings.systems}
    stuck = [*workers.needs(crew), *workers.of_the_clock(ahead), *needs.of(lines, holder, strangers, settings.timezone)]
    return Found(holder, lines, [replace(need, command=screen.command(need.command)) for need in stuck], now, records, crew)


def _line(connection: Connection, settings: Settings, name: str, backlog: dict[State, Backlog], now: datetime) -> Line:
    from hub.engine import feedback
    from hub.settings.hours import closed
    from hub.store import groups, quota, systems, waiting

    system = settings.systems[name]
    dead = groups.unfolded(connection, system=name) if FAILED & backlog.keys() else []
    suppliers = contacts.suppliers(settings, name, groups.failing_routes(connection, name) if dead else ())
    last = _last(connection, name) if system.kinds else None
    unheard = feedback.last_failure(connection, name) if system.feedback_every is not None else None
    retrying = waiting.retrying(connection, name) if State.PENDING in backlog else None
    return Line(
        system, systems.standing(connection, name), backlog, dead, suppliers, last, now, unheard, retrying=retrying,
        adds_up=_adds_up(connection, last),
        closed=closed(system.flow, settings.timezone, now),
        spent_until=quota.spent_until(connection, name, system.flow.rate, settings.timezone, now),
    )  # fmt: skip


def _adds_up(connection: Connection, last: Run | None) -> bool:
    """Tell whether the account of a run still agrees with what lies in the store; of a very large one only whether it adds up."""
    from hub.engine.collect import RECOUNTED
    from hub.store import audit

    if last is None:
        return True
    counted = audit.audit(connection, last) if last.read <= RECOUNTED else None
    return (counted or last).adds_up


def _last(connection: Connection, source: str) -> Run | None:
    """Return the last run that told something about the source: neither skipped nor still at work."""
    from hub.store import runs

    return next((run for run in runs.latest(connection, limit=10, source=source) if run.started_at and run.ended_at), None)


def _show(screen: Terminal, settings: Settings, found: Found, *, everything: bool) -> None:
    holder = say(f"中枢正在运行（{found.holder}）", f"a hub is at work ({found.holder})")
    serve = screen.command("hub serve")
    nobody = say(f"没有中枢在运行（{serve} 启动）", f"no hub is at work ({serve} starts one)")
    style = "green" if found.holder else "yellow"
    screen.line(f"{settings.title}  {looking.when(found.now, settings.timezone)}  {holder if found.holder else nobody}", style)
    for line, shade in workers.lines(found.workers, found.now):
        screen.line(line, shade)
    first = {need.system: need for need in reversed(found.needs)}
    screen.out.print(standing.table(settings, found.lines, first, everything=everything))
    if settings.datasets:
        screen.line(standing.datasets(settings, found.records))
    for need in found.needs:
        screen.line(need.line(), style="yellow" if need.waits else "bold red")
    if not found.needs:
        screen.line(say("没有需要处理的事。", "Nothing needs anybody."), style="green")
