"""Decides how `hub runs` lists what was read, when, on whose word, and with which account."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import looking, terminal
from hub.cli.lang import say

if TYPE_CHECKING:
    from rich.table import Table

    from hub.settings import Settings
    from hub.store.runs import Run


def register(app: typer.Typer) -> None:
    """Add `hub runs`."""
    app.command("runs", help=say("最近的运行和它们的账。", "The latest runs and their accounts."))(runs)


def runs(
    ctx: typer.Context,
    source: Annotated[str | None, typer.Option("--source", help=say("只看这个来源", "only this source"))] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 20,
) -> None:
    """List runs, newest first."""
    from hub.store import runs as stored

    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store, store.reading() as connection:
        found = stored.latest(connection, limit=limit, source=source)
    if screen.json:
        screen.data([{**asdict(run), "adds_up": run.adds_up} for run in found])
        return
    screen.out.print(_table(found, settings))
    for run in found:
        if run.reason:
            screen.line(f"{run.id}: {run.code or ''} {run.reason}", style="yellow")


def _table(found: list[Run], settings: Settings) -> Table:
    from rich.table import Table

    table = Table(say("运行", "run"), say("来源", "source"), say("由谁", "asked by"), say("开始", "began"), say("结论", "verdict"))
    for zh, en in _NUMBERS:
        table.add_column(say(zh, en), justify="right")
    for run in found:
        numbers = (run.read, run.unchanged, run.accepted, run.rejected, run.filtered, run.deliveries, run.unmappable)
        table.add_row(
            str(run.id),
            run.source,
            f"{run.trigger.value} {run.asked_by}",
            looking.when(run.started_at or run.asked_at, settings.timezone),
            run.state.value if run.adds_up or run.ended_at is None else say("账不平", "does not add up"),
            *(str(number) for number in numbers),
        )
    return table


_NUMBERS = (
    ("读取", "read"),
    ("未变化", "unchanged"),
    ("接收", "accepted"),
    ("拒收", "rejected"),
    ("无去向", "filtered"),
    ("投递单", "deliveries"),
    ("不可映射", "unmappable"),
)
