"""Decides how dead letters are shown, by cause first, and tried again: counted before anything happens."""

from __future__ import annotations

import getpass
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import causes, deliveries, exits, looking, terminal, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError
from hub.model import FAILED, Stage

if TYPE_CHECKING:
    from hub.engine.replay import Replayed
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.actions import Scope
    from hub.store.views import Delivery

System = Annotated[str | None, typer.Option("--system", help=say("只看这个系统", "only this system"))]
Code = Annotated[str | None, typer.Option("--code", help=say("只看这个代码", "only this code"))]


def register(app: typer.Typer) -> None:
    """Add `hub dead`."""
    group = typer.Typer(
        no_args_is_help=True, help=say("死信：按原因看，逐条看，重试。", "Dead letters: by cause, one by one, try again.")
    )
    group.command("list", help=say("按原因分组列出。", "List them grouped by cause."))(list_)
    group.command(
        "show",
        help=say("看一条：问题、每次尝试、内容（个人信息打码）。", "Show one: issues, attempts, contents (personal data masked)."),
    )(show)
    group.command("retry", help=say("重试一批；不加 --yes 先问。", "Try a scope again; asks first unless --yes."))(retry)
    group.command("cancel", help=say("结案：不再报送；不加 --yes 先问。", "Give a scope up; asks first unless --yes."))(cancel)
    app.add_typer(group, name="dead")


def list_(
    ctx: typer.Context,
    system: System = None,
    each: Annotated[bool, typer.Option("--each", help=say("逐条列出，不分组", "one line each, not grouped"))] = False,
    code: Code = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 100,
) -> None:
    """List dead letters: exit 1 when there are any."""
    from hub.store import views

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, system)
    single = each or code is not None
    with looking.store_of(settings) as store, store.reading() as connection:
        found: list[Any] = (
            views.deliveries(connection, system=system, states=FAILED, code=code, limit=limit)
            if single
            else views.dead_groups(connection, system=system)
        )
    if not single:
        found = (found if screen.json else causes.folded(found))[:limit]
    if screen.json:
        screen.data([asdict(one) for one in found])
    elif not found:
        screen.note("没有死信", "no dead letters")
    else:
        _list(screen, settings, found, single=single)
    raise typer.Exit(exits.FINDINGS if found else exits.DONE)


def _list(screen: Terminal, settings: Settings, found: list[Any], *, single: bool) -> None:
    if single:
        deliveries.listed(screen, settings, found)
    else:
        _groups(screen, settings, found)
    for code in dict.fromkeys(one.code for one in found if one.code):
        screen.line(code)
        screen.remedy(code, screen.out)
    first = found[0].id if single else found[0].sample
    look, retry = screen.command(f"hub dead show {first}"), screen.command(f"hub dead retry {first} --remap")
    if found[0].stage == Stage.SOURCE:
        _tell_source(screen, first, f"看一条：{look}；", f"one of them: {look}; ")
        return
    mapped = found[0].stage == Stage.MAP
    mended = say(
        "数据在来源改好会自动再送；改了映射或代码表后", "mended at the source, they are sent by themselves; for a new mapping"
    )
    when = mended if mapped else say("改好后", "mended?")
    screen.note(
        f"看一条：{look}；{when}重试：{retry}，或按 --system、--code、--cause 成批",
        f"one of them: {look}; {when} {retry}, or many by --system, --code, --cause",
    )


def _tell_source(screen: Terminal, number: int, zh: str = "", en: str = "") -> None:
    """Say what ends a dead letter of a source: there is nothing to try again."""
    end = f"hub dead cancel {number} --reason "
    screen.note(
        f"{zh}没有读进来的不能重试：请来源改好再送，同一条再读到时自动作废，否则办妥后结案：{screen.command(f'{end}说明')}",
        f"{en}what was not read cannot be tried again: have it sent anew; the same one, read again, ends this, "
        f"anything else you end: {screen.command(f'{end}WHY')}",
    )


def _groups(screen: Terminal, settings: Settings, groups: list[Any]) -> None:
    table = looking.table(
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
        table.add_row(one.system, words.stage(one.stage), one.code, str(one.count), causes.told(one), oldest, str(one.sample))
    screen.out.print(table)


def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help=say("投递单编号", "the delivery's number"))],
    unmask: Annotated[
        bool, typer.Option("--unmask", help=say("显示完整的个人信息；记入操作日志", "personal data in full; noted in the journal"))
    ] = False,
) -> None:
    """Show one delivery."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store:
        with store.reading() as connection:
            seen = deliveries.read(connection, number)
        if unmask:
            _note_unmasked(store, number)
    found = seen.delivery
    data, body = deliveries.masked(settings, found, seen.data, seen.body, unmask=unmask)
    deliveries.told(screen, settings, seen, data, body)
    if found.stage == Stage.SOURCE:
        _tell_source(screen, number)
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


def _note_unmasked(store: Any, number: int) -> None:
    """Write down who looked at personal data (Personal Information Protection Law, article 51: access is on record)."""
    from hub.engine.exchange import utc_now
    from hub.store import journal

    with store.writing() as connection:
        journal.write_journal(connection, getpass.getuser(), "unmask", f"ids=({number},)", 1, "-", utc_now())


def retry(
    ctx: typer.Context,
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help=say("只重试这些编号", "only these numbers"))] = None,
    system: System = None,
    code: Code = None,
    cause: Annotated[
        str | None, typer.Option("--cause", help=say("只重试这个原因（照抄 list 的原因列）", "only this cause, as list shows it"))
    ] = None,
    lane: Annotated[str | None, typer.Option("--case", help=say("只重试这个办件", "only this case"))] = None,
    everything: Annotated[bool, typer.Option("--all", help=say("全部死信", "all dead letters"))] = False,
    remap: Annotated[
        bool, typer.Option("--remap", help=say("用现在的映射重新生成内容", "make the bodies anew with the present mapping"))
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help=say("为什么重试，记入操作日志", "why; goes into the journal"))] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("只数一数", "only count"))] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help=say("不再询问", "do not ask"))] = False,
) -> None:
    """Retry: exit 1 when some could not be retried."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    scope = _scope(settings, system, code, cause, lane, ids, everything=everything)
    with looking.store_of(settings) as store:
        scope, number = _counted(screen, store, scope)
        if dry_run or not number:
            screen.data({"would_retry": number}) if screen.json else screen.line(str(number))
            return
        if not yes and not looking.agreed("重试它们吗？", "Try them again?"):
            return
        raise typer.Exit(_retry(screen, settings, store, scope, remap, reason))


def _scope(
    settings: Settings,
    system: str | None,
    code: str | None,
    cause: str | None,
    lane: str | None,
    ids: list[int] | None,
    *,
    everything: bool | None = None,
) -> Scope:
    """Return which dead letters are meant; `everything` None: all of them cannot be named. Raises HubError for none at all."""
    from hub.store import actions

    looking.known_system(settings, system)
    scope = actions.Scope(system, code, cause, None, lane, tuple(ids or ()), bool(everything))
    if not scope:
        ways = "--case" if everything is None else "--case or --all"
        raise HubError("HUB-X-120", "no scope was given", hint=f"name ids, --system, --code, --cause, {ways}")
    return scope


def _counted(screen: Terminal, store: Store, scope: Scope) -> tuple[Scope, int]:
    """Return the scope with its cause as it is stored (it may be copied from a screen in another language), and say how many."""
    from hub.store import actions, views

    with store.reading() as connection:
        if scope.reason is not None:
            groups = views.dead_groups(connection, system=scope.system)
            scope = replace(scope, reason=causes.exactly(groups, scope.reason))
        number = actions.count(connection, scope)
    screen.note(f"涉及 {number} 条死信", f"{words.counted(number, 'dead letter')} {words.are(number)} meant")
    return scope, number


def cancel(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help=say("为什么不再报送，记入操作日志", "why; goes into the journal"))],
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help=say("只结这些编号", "only these numbers"))] = None,
    system: System = None,
    code: Code = None,
    cause: Annotated[
        str | None, typer.Option("--cause", help=say("只结这个原因（照抄 list 的原因列）", "only this cause, as list shows it"))
    ] = None,
    lane: Annotated[str | None, typer.Option("--case", help=say("只结这个办件", "only this case"))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("只数一数", "only count"))] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help=say("不再询问", "do not ask"))] = False,
) -> None:
    """Give dead letters up: the sender sent the data anew, or nobody shall ever have it."""
    from hub.engine.exchange import utc_now
    from hub.store import actions

    screen = terminal.of(ctx)
    settings = screen.settings()
    scope = _scope(settings, system, code, cause, lane, ids)
    with looking.store_of(settings) as store:
        scope, number = _counted(screen, store, scope)
        if number and not dry_run and (yes or looking.agreed("结案吗？", "Give them up?")):
            with store.writing() as connection:
                who = getpass.getuser()
                number = actions.cancel(connection, scope, actor=who, reason=reason, now=utc_now(), states=tuple(FAILED))
            zh, en = f"{number} 条已结案", f"{number} {words.are(number)} given up"
            screen.data({"cancelled": number}) if screen.json else screen.line(say(zh, en), style="green")
        elif screen.json or dry_run or not number:
            screen.data({"would_cancel": number}) if screen.json else screen.line(str(number))


def _retry(screen: Terminal, settings: Settings, store: Any, scope: Scope, remap: bool, reason: str) -> int:
    from hub.engine import replay
    from hub.engine.exchange import Exchange

    exchange = Exchange(settings, store)
    done = replay.retry(exchange, scope, remap=remap, actor=getpass.getuser(), reason=reason or "-")
    if screen.json:
        screen.data({"retried": done.retried, "still_unmappable": done.still_unmappable})
        return exits.FINDINGS if done.still_unmappable else exits.DONE
    screen.line(say(f"{done.retried} 条已重新排队", f"{done.retried} {words.are(done.retried)} queued again"), style="green")
    if done.still_unmappable:
        screen.line(_stuck(screen, done), style="yellow")
    if done.retried and store.holder() is None:
        serve, sync = screen.command("hub serve"), screen.command("hub sync")
        screen.note(f"没有中枢在运行：用 {serve} 或 {sync} 发送", f"no hub is at work: {serve} or {sync} sends them")
    return exits.FINDINGS if done.still_unmappable else exits.DONE


def _stuck(screen: Terminal, done: Replayed) -> str:
    """Say why some could not be tried again: without a new mapping they have nothing to send, with it none could be made."""
    number, first = done.still_unmappable, done.first
    if first is None:
        zh = f"{number} 条没有可发送的内容；改好映射、代码表后加 --remap 再试"
        return say(zh, f"{number} {words.have(number)} nothing to send; mend the mapping or code table and add --remap")
    cause = causes.said(first.code, first.reason) or say("路由已不在配置中", "the route is no longer configured")
    look = screen.command(f"hub dead show {first.id}")
    return say(f"{number} 条仍映射不出（{cause}）：{look}", f"{number} still cannot be mapped ({cause}): {look}")
