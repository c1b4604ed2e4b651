"""Decides how `hub sync` makes one pass over sources now, and how its account becomes an exit code."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import exits, terminal
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.documents import suggest
from hub.errors import HubError, LeaseHeld

if TYPE_CHECKING:
    from hub.engine.progress import Progress
    from hub.engine.service import Service
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.runs import Run

#: How often the store is asked how far things are.
LOOK_SECONDS = 0.1


def register(app: typer.Typer) -> None:
    """Add `hub sync`."""
    help_ = say(
        "立即读取一遍来源并投递；结束时给出对得上的账。hub serve 在运行时由它执行。",
        "Read sources once now and deliver; ends with an account that adds up. A running `hub serve` does the work.",
    )
    app.command("sync", help=help_)(sync)


def sync(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help=say("只读这些来源", "only these sources"))
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help=say("从头读起；未变化的记录会跳过", "from the beginning; unchanged records are skipped"))
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help=say("等到有结果", "wait for the result"))] = True,
) -> None:
    """Run: exit 0 when all is delivered, 1 when something died, 3 when something still waits, 4 when a far side is unavailable."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    names = _chosen(settings, sources or [])
    from hub.engine.service import serving

    with ExitStack() as stack:
        try:
            service = stack.enter_context(serving(settings, scheduled=False))
        except LeaseHeld:
            raise typer.Exit(_through_another(screen, settings, names, full, wait)) from None
        raise typer.Exit(_here(screen, service, names, full))


def _chosen(settings: Settings, names: Sequence[str]) -> list[str]:
    known = [system.name for system in settings.sources()]
    for name in names:
        if name not in known:
            raise HubError("HUB-X-102", f"there is no source {name!r}", hint=suggest(name, known) or f"sources: {', '.join(known)}")
    return list(names) or known


def _here(screen: Terminal, service: Service, names: Sequence[str], full: bool) -> int:
    from hub.engine.progress import look
    from hub.store.runs import Trigger

    numbers = [service.ask(name, Trigger.CLI, getpass.getuser(), full=full) for name in names]
    last = watch(screen, lambda: look(service.exchange, numbers), until=lambda seen: seen.quiet)
    show(screen, last.runs)
    return verdict(last.runs, _unsettled(service))


def _unsettled(service: Service) -> dict[str, dict[str, int]]:
    from hub.store import systems, views

    with service.store.reading() as connection:
        backlog = views.backlog(connection)
        standings = {name: systems.standing(connection, name) for name in backlog}
    counts = {name: {state.value: one.count for state, one in states.items()} for name, states in backlog.items()}
    for name, standing in standings.items():
        if not standing.open_at(service.exchange.clock()):
            counts[name]["unavailable"] = 1
    return counts


def _through_another(screen: Terminal, settings: Settings, names: Sequence[str], full: bool, wait: bool) -> int:
    """Ask the hub that holds the store; its collector sees the wish within a second."""
    from hub.engine.exchange import utc_now
    from hub.store import open_store, runs
    from hub.store.runs import Trigger

    store = open_store(settings.store)
    try:
        with store.writing() as connection:
            numbers = [runs.ask(connection, name, Trigger.CLI, getpass.getuser(), utc_now(), full=full) for name in names]
        screen.note("hub serve 正在运行，由它执行", "hub serve is at work and does it")
        ended = _follow(store, numbers) if wait else []
    finally:
        store.close()
    show(screen, ended)
    return verdict(ended, {})


def _follow(store: Store, numbers: Sequence[int]) -> list[Run]:
    from hub.store import runs

    while True:
        with store.reading() as connection:
            found = [run for number in numbers if (run := runs.get(connection, number))]
        if all(run.ended_at for run in found):
            return found
        time.sleep(LOOK_SECONDS)


def watch(screen: Terminal, look: Callable[[], Progress], until: Callable[[Progress], bool]) -> Progress:
    """Show progress on stderr until a look satisfies `until`; return that look."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=screen.err, disable=screen.quiet or not screen.err.is_terminal) as bars:
        reading = bars.add_task(say("读取", "reading"), total=None)
        sending = bars.add_task(say("投递", "delivering"), total=None)
        while True:
            seen = look()
            done = max(seen.total - seen.owed, 0)
            bars.update(reading, completed=seen.read, total=None if seen.reading else seen.read)
            bars.update(sending, completed=done, total=max(seen.total, 1))
            if until(seen):
                return seen
            time.sleep(LOOK_SECONDS)


def show(screen: Terminal, ended: Sequence[Run]) -> None:
    """Show the account of ended runs."""
    if screen.json:
        screen.data([{**asdict(run), "adds_up": run.adds_up} for run in ended])
        return
    from rich.table import Table

    table = Table(say("运行", "run"), say("来源", "source"), say("结论", "verdict"))
    for zh, en in (
        ("读取", "read"),
        ("未变化", "unchanged"),
        ("接收", "accepted"),
        ("拒收", "rejected"),
        ("无去向", "filtered"),
        ("投递单", "deliveries"),
        ("不可映射", "unmappable"),
    ):
        table.add_column(say(zh, en), justify="right")
    for run in ended:
        table.add_row(str(run.id), run.source, run.state.value, *(str(number) for number in _numbers(run)))
    if ended:
        screen.out.print(table)
    for run in ended:
        if run.code:
            screen.line(f"{run.source}: {run.code} {run.reason}", style="red")
            screen.remedy(run.code, screen.out)


def _numbers(run: Run) -> list[int]:
    return [run.read, run.unchanged, run.accepted, run.rejected, run.filtered, run.deliveries, run.unmappable]


def verdict(ended: Sequence[Run], unsettled: dict[str, Any]) -> int:
    """Return the exit code of these runs and of what is left in the outbox."""
    left = {name for counts in unsettled.values() for name, number in counts.items() if number}
    if any(run.code for run in ended) or "unavailable" in left:
        return exits.UNAVAILABLE
    if any(not run.adds_up or run.rejected or run.unmappable for run in ended) or left & {"dead", "rejected"}:
        return exits.FINDINGS
    if any(run.state.value == "interrupted" for run in ended) or left & {"pending", "held", "parked", "accepted"}:
        return exits.PARTLY
    return exits.DONE
