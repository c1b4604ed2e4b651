"""Decides how `hub explain` tells what a code means."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hub import catalogue
from hub.catalogue import Entry
from hub.cli import terminal
from hub.cli.lang import current, say
from hub.documents import suggest
from hub.errors import HubError


def register(app: typer.Typer) -> None:
    """Add `hub explain`."""
    app.command(
        "explain", help=say("说明一个代码：发生了什么，为什么，怎么办。", "Explain a code: what happened, why, what to do.")
    )(explain)


def explain(
    ctx: typer.Context,
    code: Annotated[
        str | None, typer.Argument(help=say("代码，例如 HUB-D-104；不写则列出全部", "a code such as HUB-D-104; none lists all"))
    ] = None,
) -> None:
    """Tell one code, or list them all."""
    screen = terminal.of(ctx)
    found = list(catalogue.entries().values()) if code is None else [_entry(code)]
    if screen.json:
        screen.data([asdict(entry) for entry in found] if code is None else asdict(found[0]))
    elif code is None:
        for entry in found:
            screen.line(f"{entry.code}  {entry.text(current()).what}")
    else:
        _show(screen, found[0])


def _entry(code: str) -> Entry:
    wanted = code.upper()
    entry = catalogue.explain(wanted)
    if entry is None:
        raise HubError(
            "HUB-X-101", f"there is no code {code!r}", hint=suggest(wanted, catalogue.entries()) or "hub explain lists all codes"
        )
    return entry


def _show(screen: terminal.Terminal, entry: Entry) -> None:
    text = entry.text(current())
    screen.line(entry.code, style="bold")
    screen.line(f"{say('现象', 'What')}  {text.what}")
    screen.line(f"{say('原因', 'Why ')}  {text.why}")
    screen.line(f"{say('处理', 'Do  ')}  {text.do}")
