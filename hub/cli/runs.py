"""Decides how `hub runs` lists what was read, when, on whose word, and with which account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import auditing, causes, exits, looking, terminal, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.store.causes import folded

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.engine.feeds import Short
    from hub.settings import Settings
    from hub.store.groups import DeadGroup
    from hub.store.runs import Run

#: The account: read = unchanged + accepted + rejected; filtered is a part of accepted, unmappable one of deliveries.
NUMBERS = (
    ("读取", "read"),
    ("未变化", "unchanged"),
    ("接收", "accepted"),
    ("拒收", "rejected"),
    ("无去向", "filtered"),
    ("投递单", "deliveries"),
    ("不可映射", "unmappable"),
)

#: Most causes told of what one run refused.
MOST_CAUSES = 3
#: Codes of runs that failed for our own configuration: nobody is to be called.
_OURS = frozenset({"HUB-S-409"})


def register(app: typer.Typer) -> None:
    """Add `hub runs`."""
    help_ = say("最近的运行和它们的账：读取 = 未变化 + 接收 + 拒收。", "The latest runs: read = unchanged + accepted + rejected.")
    app.command("runs", help=help_)(runs)


def runs(
    ctx: typer.Context,
    source: Annotated[str | None, typer.Option("--source", help=say("只看这个来源", "only this source"))] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 20,
    audited: Annotated[
        bool,
        typer.Option(
            "--audit",
            help=say(
                "到库里重新数一遍列出的（-n 数更多）：每一条都有去向", "recount those listed (more with -n): nothing disappeared"
            ),
        ),
    ] = False,
) -> None:
    """List runs, newest first; with --audit exit 1 when one does not add up."""
    from hub.store import runs as stored

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_source(settings, source)
    with looking.store_of(settings) as store, store.reading() as connection:
        found = stored.latest(connection, limit=limit, source=source)
        refused = refused_of(connection, found)
        short = _short(connection, settings, source)
        counted = auditing.recounted(connection, found) if audited else {}
    if screen.json:
        screen.data([{**data(run), **({"audit": auditing.data(counted.get(run.id))} if audited else {})} for run in found])
    else:
        show(screen, settings, found, refused)
        auditing.show(screen, found, counted)
        for one in short:
            screen.line(f"{one.system}: {words.short(one)}", style="yellow")
    if not all(one.adds_up for one in counted.values()):
        raise typer.Exit(exits.FINDINGS)


def _short(connection: Connection, settings: Settings, source: str | None) -> list[Short]:
    """Return the feeds of a source, or of all, that give less than is expected of them."""
    from hub.engine import feeds
    from hub.engine.exchange import utc_now

    return [one for one in feeds.short(connection, settings, utc_now()) if source in (None, one.system)]


def refused_of(connection: Connection, found: Sequence[Run]) -> dict[int, list[DeadGroup]]:
    """Return, by run, what its source gave that could not be read and still lies dead."""
    from hub.store import runs

    return runs.refused_by_run(connection, [run.id for run in found if run.rejected])


def show(
    screen: Terminal, settings: Settings, found: Sequence[Run], refused: Mapping[int, Sequence[DeadGroup]] | None = None
) -> None:
    """Show runs with their accounts, why those failed that did, and what they could not read."""
    if screen.json:
        screen.data([data(run) for run in found])
        return
    if not found:
        sync = screen.command("hub sync")
        screen.note(f"还没有运行过；{sync} 立即读一遍", f"nothing ran yet; {sync} reads once now")
        return
    head = (
        ("运行", "run", "right"),
        ("来源", "source"),
        ("由谁", "asked by"),
        ("开始", "began", "whole"),
        ("用时", "took"),
        ("结论", "verdict"),
    )
    table = looking.table(*head, *((zh, en, "right") for zh, en in NUMBERS))
    for run in found:
        table.add_row(*_row(run, settings))
    screen.out.print(table)
    for run in found:
        if run.code or run.reason:
            _why(screen, settings, run)
        _rejected(screen, run, (refused or {}).get(run.id, ()))


def data(run: Run) -> dict[str, Any]:
    """Return a run as JSON data."""
    return {**asdict(run), "adds_up": run.adds_up}


def _row(run: Run, settings: Settings) -> list[str]:
    by = words.trigger(run.trigger.value)
    took = f"{(run.ended_at - run.started_at).total_seconds():.1f} s" if run.ended_at and run.started_at else ""
    return [
        str(run.id),
        run.source,
        by if run.asked_by == run.trigger.value else f"{by} {run.asked_by}",
        looking.when(run.started_at or run.asked_at, settings.timezone),
        took,
        words.run(run.state.value) if run.adds_up or run.ended_at is None else say("账不平", "does not add up"),
        *(str(getattr(run, name)) for _, name in NUMBERS),
    ]


def _why(screen: Terminal, settings: Settings, run: Run) -> None:
    system = settings.systems.get(run.source)
    asked = system.contact if system and run.code and run.code not in _OURS else ""
    contact = f"  {say('联系', 'contact')}: {asked}" if asked else ""
    screen.line(
        f"{say('运行', 'run')} {run.id} {run.source}: {run.code or ''} {causes.of_run(run.code, run.reason)}".strip() + contact,
        style="yellow",
    )
    if run.code:
        screen.remedy(run.code, screen.out)


def _rejected(screen: Terminal, run: Run, groups: Sequence[DeadGroup]) -> None:
    """Tell the largest causes for which a run refused rows or files, by file, sheet, row and column."""
    found = folded(groups)
    for one in found[:MOST_CAUSES]:
        screen.line(f"{say('运行', 'run')} {run.id} {run.source}: {one.code} {causes.told(one)}", style="yellow")
    if len(found) > MOST_CAUSES:
        command = screen.command(f"hub dead list --system {run.source}")
        more = len(found) - MOST_CAUSES
        screen.line(say(f"    另有 {more} 种：{command}", f"    {more} more: {command}"), style="yellow")
