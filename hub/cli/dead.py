"""Decides how dead letters are shown: by cause first, then one by one."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import causes, dead_ends, deliveries, exits, looking, terminal, words
from hub.cli.dead_ends import Code, System
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.model import FAILED, Stage

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.groups import DeadGroup
    from hub.store.views import Delivery


def register(app: typer.Typer) -> None:
    """Add `hub dead`."""
    group = typer.Typer(
        no_args_is_help=True,
        help=say("死信：按原因看，逐条看，重试，结案。", "Dead letters: by cause, one by one, try again, give up."),
    )
    group.command("list", help=say("按原因分组列出，每组有一个编号。", "List them grouped by cause; each group has a name."))(list_)
    group.command(
        "show",
        help=say(
            "看一条：问题、每次尝试、内容（个人信息打码）；或看一组。",
            "Show one: issues, attempts, contents (personal data masked); or a group.",
        ),
    )(show)
    dead_ends.register(group)
    app.add_typer(group, name="dead")


def list_(
    ctx: typer.Context,
    system: System = None,
    each: Annotated[bool, typer.Option("--each", help=say("逐条列出，不分组", "one line each, not grouped"))] = False,
    code: Code = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 100,
) -> None:
    """List dead letters: exit 1 when there are any."""
    from hub.store import groups, scopes, views

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, system)
    single = each or code is not None
    with looking.store_of(settings) as store, store.reading() as connection:
        if single:
            found: list[Any] = views.deliveries(connection, system=system, states=FAILED, code=code, limit=limit)
            scope = scopes.Scope(system=system, code=code, everything=True)
            left = deliveries.left_out(connection, scope, tuple(FAILED), len(found), limit)
        else:
            found = groups.listed(connection, system=system)
            left = len(found) - limit
            found = found[:limit]
    if screen.json:
        screen.data([asdict(one) for one in found])
    elif not found:
        screen.note("没有死信", "no dead letters")
    else:
        _list(screen, settings, found, single=single)
    deliveries.tell_left_out(screen, len(found), left)
    raise typer.Exit(exits.FINDINGS if found else exits.DONE)


def _list(screen: Terminal, settings: Settings, found: list[Any], *, single: bool) -> None:
    if single:
        deliveries.listed(screen, settings, found)
    else:
        _groups(screen, settings, found)
    for code in dict.fromkeys(one.code for one in found if one.code):
        screen.line(code)
        screen.remedy(code, screen.out)
    first = str(found[0].id) if single else found[0].group
    _advise(screen, first, first, found[0].stage)


def _advise(screen: Terminal, shown: str, meant: str, stage: str | None) -> None:
    """Say how to look at one and what ends what is meant: each the number of a delivery, or the name of a group."""
    look, retry = screen.command(f"hub dead show {shown}"), screen.command(f"hub dead retry {meant} --remap")
    zh, en = ("看一条", "one of them") if shown.isdigit() else ("看一组", "one group")
    if stage == Stage.SOURCE:
        _tell_source(screen, meant, f"{zh}：{look}；", f"{en}: {look}; ")
        return
    mended = say(
        "数据在来源改好会自动再送；改了映射或代码表后", "mended at the source, they are sent by themselves; for a new mapping"
    )
    when = mended if stage == Stage.MAP else say("改好后", "mended?")
    screen.note(
        f"{zh}：{look}；{when}重试：{retry}，或按 --system、--code、--cause 成批",
        f"{en}: {look}; {when} {retry}, or many by --system, --code, --cause",
    )


def _tell_source(screen: Terminal, name: str, zh: str = "", en: str = "") -> None:
    """Say what ends a dead letter of a source: there is nothing to try again."""
    end = f"hub dead cancel {name} --reason "
    screen.note(
        f"{zh}没有读进来的不能重试：请来源改好再送，同一条再读到时自动作废，否则办妥后结案：{screen.command(f'{end}说明')}",
        f"{en}what was not read cannot be tried again: have it sent anew; the same one, read again, ends this, "
        f"anything else you end: {screen.command(f'{end}WHY')}",
    )


def _groups(screen: Terminal, settings: Settings, groups: Sequence[DeadGroup]) -> None:
    table = looking.table(
        ("组", "group", "whole"),
        ("系统", "system"),
        ("阶段", "stage"),
        ("代码", "code", "whole"),
        ("条数", "count", "right"),
        ("原因", "cause"),
        ("最早", "oldest", "whole"),
        ("样例", "sample", "right"),
    )
    for one in groups:
        oldest = looking.when(one.oldest, settings.timezone)
        what = (one.group, one.system, words.stage(one.stage), one.code, str(one.count))
        table.add_row(*what, causes.told(one), oldest, str(one.sample))
    screen.out.print(table)


def show(
    ctx: typer.Context,
    number: Annotated[
        str, typer.Argument(metavar="ID|GROUP", help=say("投递单编号，或组的编号", "a delivery's number, or a group"))
    ],
    unmask: Annotated[
        bool, typer.Option("--unmask", help=say("显示完整的个人信息；记入操作日志", "personal data in full; noted in the journal"))
    ] = False,
) -> None:
    """Show one delivery, or the deliveries of a group."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    numbers, names = dead_ends.named([number])
    with looking.store_of(settings) as store:
        if names:
            _show_group(screen, settings, store, names)
        else:
            _show_one(screen, settings, store, numbers[0], unmask=unmask)


def _show_group(screen: Terminal, settings: Settings, store: Store, names: Sequence[str]) -> None:
    from hub.store import groups

    with store.reading() as connection:
        (cause,) = groups.find(connection, names)
        group = next(one for one in groups.listed(connection, system=cause.system) if one.group == cause.name)
        found = groups.members(connection, cause)
    if screen.json:
        screen.data({**asdict(group), "deliveries": [asdict(one) for one in found]})
        return
    _groups(screen, settings, [group])
    deliveries.listed(screen, settings, found)
    if len(found) < group.count:
        screen.note(f"只列出最新的 {len(found)} 条，共 {group.count} 条", f"the newest {len(found)} of {group.count}")
    screen.remedy(group.code, screen.out)
    _advise(screen, str(group.sample), group.group, group.stage)


def _show_one(screen: Terminal, settings: Settings, store: Store, number: int, *, unmask: bool) -> None:
    with store.reading() as connection:
        seen = deliveries.read(connection, number)
    if unmask:
        _note_unmasked(store, number)
    found = seen.delivery
    data, body = deliveries.masked(settings, found, seen.data, seen.body, unmask=unmask)
    deliveries.told(screen, settings, seen, data, body)
    if found.stage == Stage.SOURCE:
        _tell_source(screen, str(number))
    elif found.state in FAILED:
        _tell_way_out(screen, found)


def _tell_way_out(screen: Terminal, found: Delivery) -> None:
    """Say how a dead letter is tried again: data mended at the source comes by itself, only a new mapping needs a command."""
    whole = screen.command(f"hub trace {found.lane}")
    if found.stage == Stage.MAP:
        again = screen.command(f"hub dead retry {found.id} --remap")
        zh, en = (
            f"数据在来源改好，会自动再送；改了映射或代码表，才用 {again}",
            f"mended at the source, it is sent by itself; {again}",
        )
        screen.note(f"{zh}；这个办件的全部经过：{whole}", f"{en} is for a new mapping or code table; the whole case: {whole}")
        return
    again = screen.command(f"hub dead retry {found.id}")
    screen.note(f"重试：{again}；这个办件的全部经过：{whole}", f"try again: {again}; the whole case: {whole}")


def _note_unmasked(store: Store, number: int) -> None:
    """Write down who looked at personal data (Personal Information Protection Law, article 51: access is on record)."""
    from hub.engine.exchange import utc_now
    from hub.store import journal

    with store.writing() as connection:
        journal.write_journal(connection, getpass.getuser(), "unmask", f"ids=({number},)", 1, "-", utc_now())
