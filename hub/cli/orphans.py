"""Decides how a person sees, and ends, what waits for a system or an endpoint that is no longer configured."""

from __future__ import annotations

import getpass
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import exits, looking, terminal, words
from hub.cli.lang import say
from hub.errors import HubError
from hub.model import Finding, Place

if TYPE_CHECKING:
    from hub.cli.terminal import Terminal
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.orphans import Orphans

System = Annotated[str, typer.Argument(metavar="SYSTEM", help=say("哪个系统", "which system"))]
Why = Annotated[str, typer.Option("--reason", help=say("为什么，记入操作日志（必填）", "why; goes into the journal (required)"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=say("只数一数", "only count"))]
Yes = Annotated[bool, typer.Option("-y", "--yes", help=say("不再询问", "do not ask"))]


def register(app: typer.Typer) -> None:
    """Add `hub orphans`."""
    group = typer.Typer(
        no_args_is_help=True,
        help=say(
            "配置里已没有去处的：恢复配置就接着送，或者取消。",
            "What leads nowhere any more: restore the configuration and it goes on, or give it up.",
        ),
    )
    group.command("list", help=say("按系统和接口列出。", "List by system and endpoint."))(list_)
    group.command("cancel", help=say("不再送：取消一个系统的。", "Give up those of one system."))(cancel)
    app.add_typer(group, name="orphans")


def list_(ctx: typer.Context) -> None:
    """List: exit 1 when there are any."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store:
        found = orphans(settings, store)
    if screen.json:
        screen.data([asdict(one) for one in found])
    elif found:
        _show(screen, settings, found)
    else:
        screen.note("没有：在等的都有去处", "none: what waits leads somewhere")
    raise typer.Exit(exits.FINDINGS if found else exits.DONE)


def cancel(ctx: typer.Context, system: System, reason: Why, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Give up what waits for endpoints of this system that are not configured."""
    from hub.engine.exchange import utc_now
    from hub.store import orphans as kept

    screen = terminal.of(ctx)
    settings = screen.settings()
    if not reason.strip():
        raise HubError("HUB-X-125", "giving up needs a reason", hint="--reason WHY")
    with looking.store_of(settings) as store:
        found = [one for one in orphans(settings, store) if one.system == system]
        if not found:
            raise HubError(
                "HUB-X-102", f"nothing waits for an endpoint of {system!r} that is not configured", hint="hub orphans list"
            )
        meant = sum(one.count for one in found)
        screen.note(f"涉及 {meant} 条", f"{words.counted(meant, 'delivery', 'deliveries')} {words.are(meant)} meant")
        number = 0
        if not dry_run and (yes or looking.agreed("确定取消吗？", "Give them up?")):
            told = {"actor": getpass.getuser(), "reason": reason}
            endpoints = {one.endpoint for one in found}
            number = store.write(lambda connection: kept.cancel(connection, system, endpoints, now=utc_now(), **told))
    if screen.json:
        screen.data({"cancelled": number} if number else {"would_cancel": meant})
    elif number:
        screen.line(say(f"{number} 条已取消", f"{number} {words.are(number)} cancelled"), style="green")


def orphans(settings: Settings, store: Store) -> list[Orphans]:
    """Return what waits for systems or endpoints these settings do not have."""
    from hub.store import orphans as kept

    with store.reading() as connection:
        return kept.of(connection, {name: system.endpoints for name, system in settings.systems.items()})


def warnings(settings: Settings) -> list[Finding]:
    """Return a warning for each system and endpoint something waits for in vain, where the store is a file to be looked at."""
    from hub.store.opening import look_at

    store = look_at(settings.store)
    if store is None:
        return []
    with closing(store):
        found = orphans(settings, store)
    return [_warning(settings, one) for one in found]


def _warning(settings: Settings, one: Orphans) -> Finding:
    left = f"{words.counted(one.count, 'delivery', 'deliveries')} {words.verb(one.count, 'wait')}"
    message = f"{left} for {one.system}/{one.endpoint}, which is not configured"
    hint = f"{remedy(settings, one)[1]}, or hub orphans cancel {one.system}"
    return Finding("HUB-C-175", message, Place(f"config/systems/{one.system}.yaml"), hint, warning=True)


def remedy(settings: Settings, one: Orphans) -> tuple[str, str]:
    """Return, in Chinese and English, what brings them on their way again."""
    if one.system not in settings.systems:
        return f"恢复 config/systems/{one.system}.yaml", f"restore config/systems/{one.system}.yaml"
    return (
        f"在 config/systems/{one.system}.yaml 恢复接口 {one.endpoint}，或死后用 hub dead retry --remap 改走新接口",
        f"restore endpoint {one.endpoint} in config/systems/{one.system}.yaml, or hub dead retry --remap once they are dead",
    )


def _show(screen: Terminal, settings: Settings, found: list[Orphans]) -> None:
    columns = (
        ("系统", "system"),
        ("接口", "endpoint"),
        ("条数", "number", "right"),
        ("最早", "oldest", "whole"),
        ("办法", "remedy"),
    )
    table = looking.table(*columns)
    for one in found:
        when = looking.when(one.oldest, settings.timezone)
        table.add_row(one.system, one.endpoint, str(one.count), when, say(*remedy(settings, one)))
    screen.out.print(table)
    command = screen.command(f"hub orphans cancel {found[0].system} --reason ")
    screen.note(f"恢复后自动接着送；不再送：{command}说明", f"restored, they go on by themselves; to give them up: {command}WHY")
