"""Decides how a person stops sending to a system and lets it go on: with a name and a reason, remembered over restarts."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from hub.cli import looking, terminal, words
from hub.cli.lang import say

Name = Annotated[str, typer.Argument(metavar="SYSTEM", help=say("系统标识", "the system's id"))]
Reason = Annotated[str, typer.Option("--reason", help=say("为什么，记入操作日志", "why; goes into the journal"))]


def register(app: typer.Typer) -> None:
    """Add `hub pause` and `hub resume`."""
    app.command(
        "pause", help=say("暂停向一个系统发送；重启后仍然有效。", "Send nothing to a system until resumed; survives restarts.")
    )(pause)
    app.command("resume", help=say("恢复发送，不可用的对方也立即再试。", "Send to it again, at once, even to one that was down."))(
        resume
    )


def pause(ctx: typer.Context, system: Name, reason: Reason = "-") -> None:
    """Pause a system."""
    _set(ctx, system, reason, paused=True)


def resume(ctx: typer.Context, system: Name, reason: Reason = "-") -> None:
    """Resume a system."""
    _set(ctx, system, reason, paused=False)


def _set(ctx: typer.Context, name: str, reason: str, *, paused: bool) -> None:
    from hub.engine.exchange import utc_now
    from hub.store import journal, systems, views

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, name)
    now, who = utc_now(), getpass.getuser()
    with looking.store_of(settings) as store, store.writing() as connection:
        if paused:
            systems.pause(connection, name, who, now, reason=reason)
        else:
            systems.resume(connection, name, now)
        journal.write_journal(connection, who, "pause" if paused else "resume", f"system={name}", 0, reason, now)
        owed = sum(one.count for state, one in views.backlog(connection).get(name, {}).items() if state in views.OWED)
    if screen.json:
        screen.data({"system": name, "paused": paused, "owed": owed})
    elif paused:
        screen.line(
            say(f"{name} 已暂停；欠它的 {owed} 条留在库中，照常接收新的", f"{name} is paused; {owed} owed to it stay in the store")
        )
    else:
        screen.line(say(f"{name} 已恢复；欠它 {owed} 条", f"{name} is resumed; {owed} {words.are(owed)} owed to it"))
