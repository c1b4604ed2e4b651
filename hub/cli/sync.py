"""Decides how `hub sync` makes one pass over sources now, and how its account becomes an exit code."""

from __future__ import annotations

import getpass
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import exits, looking, terminal, words
from hub.cli import runs as listing
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError, LeaseHeld

if TYPE_CHECKING:
    from hub.engine.progress import Progress
    from hub.engine.service import Service
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.runs import Run

#: How often the store is asked how far things are.
LOOK_SECONDS = 0.1
#: Errors of the hub's own after which it waits no longer: some fifteen seconds of trying again.
MOST_ERRORS = 5


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
        bool,
        typer.Option(
            "--full",
            help=say(
                "从头读起；未变化的跳过，来源约束拦下的再看一次",
                "from the beginning; unchanged ones are skipped, refused ones looked at again",
            ),
        ),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help=say("等到有结果", "wait for the result"))] = True,
) -> None:
    """Run: exit 0 when all is delivered, 1 when something died, 3 when something still waits, 4 when a far side is unavailable."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    names = _chosen(settings, sources or [])
    signal.signal(signal.SIGTERM, _terminated)
    from hub.engine.service import serving

    with ExitStack() as stack:
        try:
            service = stack.enter_context(serving(settings, scheduled=False))
        except LeaseHeld:
            raise typer.Exit(_through_another(screen, settings, names, full, wait)) from None
        raise typer.Exit(_here(screen, service, names, full, wait))


def _terminated(number: int, frame: FrameType | None) -> None:
    """Leave by unwinding, so that what is in flight is settled first (invariant 8)."""
    raise typer.Exit(exits.TERMINATED)


def _chosen(settings: Settings, names: Sequence[str]) -> list[str]:
    for name in names:
        looking.known_source(settings, name)
        if not settings.systems[name].reads:
            raise HubError("HUB-X-146", f"the system {name!r} pushes by itself: there is nothing to read")
    return list(names) or [system.name for system in settings.readable()]


def _here(screen: Terminal, service: Service, names: Sequence[str], full: bool, wait: bool) -> int:
    from hub.engine.progress import look
    from hub.store.runs import Trigger

    numbers = [service.ask(name, Trigger.CLI, getpass.getuser(), full=full) for name in names]
    if not wait:
        screen.note(
            "没有中枢在运行，--no-wait 不起作用：由本命令执行", "no hub is at work, so --no-wait cannot hold: it is done here"
        )
    last = watch(screen, lambda: look(service.exchange, numbers), until=lambda seen: seen.quiet or _broken(service))
    settings = service.exchange.settings
    with service.store.reading() as connection:
        refused = listing.refused_of(connection, last.runs)
    listing.show(screen, settings, last.runs, refused)
    left = _unsettled(service)
    _tell(screen, left)
    return verdict(last.runs, left) if last.quiet else exits.PARTLY


def _broken(service: Service) -> bool:
    """Whether the hub fails again and again (disk full, store locked), or lost its work to another: waiting would not end."""
    from hub.engine.metrics import STEPS

    if service.ended():
        return True
    counted = (service.metrics.registry.get_sample_value("hub_engine_errors_total", {"step": step}) for step in STEPS)
    return sum(number or 0 for number in counted) >= MOST_ERRORS


def _tell(screen: Terminal, left: dict[str, dict[str, int]]) -> None:
    """Say in one line that not all of it has arrived, and where to look."""
    owed, held, dead = (
        sum(counts.get(state, 0) for counts in left.values() for state in states)
        for states in (("pending", "accepted", "parked"), ("held", "behind"), ("dead", "rejected"))
    )
    if owed or held or dead:
        status = screen.command("hub status")
        zh = f"，{held} 条待人工或排在它后面" if held else ""
        en = f", {held} {words.verb(held, 'wait')} for a person or behind what does" if held else ""
        screen.note(
            f"库中还有 {owed} 条未到、{dead} 条死信{zh}：{status} 看原因和办法",
            f"{owed} {words.have(owed)} not arrived and {dead} {words.are(dead)} dead{en}: {status} tells why and what to do",
            "yellow",
        )


def _unsettled(service: Service) -> dict[str, dict[str, int]]:
    from hub.store import systems, views, waiting

    with service.store.reading() as connection:
        backlog, behind = waiting.apart(connection, views.backlog(connection))
        standings = {name: systems.standing(connection, name) for name in backlog}
    counts = {name: {state.value: one.count for state, one in states.items()} for name, states in backlog.items()}
    for name, waits in behind.items():
        counts[name]["behind"] = sum(one.count for one in waits.values())
    for name, standing in standings.items():
        if not standing.open_at(service.exchange.clock()):
            counts[name]["unavailable"] = 1
    return counts


def _through_another(screen: Terminal, settings: Settings, names: Sequence[str], full: bool, wait: bool) -> int:
    """Ask the hub that holds the store; its collector sees the wish within a second."""
    from hub.engine.exchange import utc_now
    from hub.store import runs
    from hub.store.runs import Trigger

    with looking.store_of(settings) as store:
        with store.writing() as connection:
            numbers = [runs.ask(connection, name, Trigger.CLI, getpass.getuser(), utc_now(), full=full) for name in names]
        told = "、".join(str(number) for number in numbers)
        screen.note(f"中枢正在运行，由它执行：运行 {told}", f"a hub is at work and does it: runs {told}")
        found = _follow(store, numbers) if wait else _asked(store, numbers)
        with store.reading() as connection:
            refused = listing.refused_of(connection, found)
    listing.show(screen, settings, found, refused)
    return verdict(found, {}) if wait else exits.DONE


def _asked(store: Store, numbers: Sequence[int]) -> list[Run]:
    from hub.store import runs

    with store.reading() as connection:
        return [run for number in numbers if (run := runs.get(connection, number))]


def _follow(store: Store, numbers: Sequence[int]) -> list[Run]:
    """Wait for the other hub's runs to end. Raises HubError HUB-X-122 when that hub goes away before."""
    while True:
        found = _asked(store, numbers)
        if all(run.ended_at for run in found):
            return found
        if store.holder() is None:
            raise HubError("HUB-X-122", "the hub that did it has ended")
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


def verdict(ended: Sequence[Run], unsettled: dict[str, Any]) -> int:
    """Return the exit code of these runs and of what is left in the outbox."""
    left = {name for counts in unsettled.values() for name, number in counts.items() if number}
    if any(run.failed for run in ended) or "unavailable" in left:
        return exits.UNAVAILABLE
    if any(run.code or not run.adds_up or run.rejected or run.unmappable for run in ended) or left & {"dead", "rejected"}:
        return exits.FINDINGS
    if any(run.state.value == "interrupted" for run in ended) or left & {"pending", "held", "parked", "accepted"}:
        return exits.PARTLY
    return exits.DONE
