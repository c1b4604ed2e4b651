"""Decides how dead letters are shown, by cause first, and tried again: counted before anything happens."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import exits, looking, terminal
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError
from hub.model import FAILED, State

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.store.actions import Scope
    from hub.store.views import Attempt, Delivery

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
    app.add_typer(group, name="dead")


def list_(
    ctx: typer.Context,
    system: System = None,
    each: Annotated[bool, typer.Option("--each", help=say("逐条列出，不分组", "one line each, not grouped"))] = False,
    held: Annotated[bool, typer.Option("--held", help=say("看待人工的", "those that wait for a person instead"))] = False,
    code: Code = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 100,
) -> None:
    """List dead letters: exit 1 when there are any."""
    from hub.store import views

    screen = terminal.of(ctx)
    settings = screen.settings()
    single = each or held or code is not None
    with looking.store_of(settings) as store, store.reading() as connection:
        states = (State.HELD,) if held else tuple(FAILED)
        found: list[Any] = (
            views.deliveries(connection, system=system, states=states, code=code, limit=limit)
            if single
            else views.dead_groups(connection, system=system)
        )
    if screen.json:
        screen.data([asdict(one) for one in found])
    elif single:
        _list_each(screen, settings, found)
    else:
        _list_groups(screen, settings, found)
    raise typer.Exit(exits.FINDINGS if found else exits.DONE)


def _list_groups(screen: Terminal, settings: Settings, groups: list[Any]) -> None:
    from rich.table import Table

    table = Table(say("系统", "system"), say("阶段", "stage"), say("代码", "code"))
    table.add_column(say("条数", "count"), justify="right")
    for zh, en in (("原因", "cause"), ("最早", "oldest"), ("样例", "sample")):
        table.add_column(say(zh, en), overflow="fold")
    for group in groups:
        oldest = looking.when(group.oldest, settings.timezone)
        table.add_row(group.system, group.stage, group.code, str(group.count), group.reason, oldest, str(group.sample))
    screen.out.print(table)
    if groups:
        screen.note(
            "看一条：hub dead show 样例编号；说明：hub explain 代码", "one of them: hub dead show SAMPLE; meaning: hub explain CODE"
        )


def _list_each(screen: Terminal, settings: Settings, found: list[Delivery]) -> None:
    from rich.table import Table

    table = Table(
        say("编号", "id"),
        say("系统", "system"),
        say("路由", "route"),
        say("办件", "case"),
        say("状态", "state"),
        say("代码", "code"),
    )
    table.add_column(say("原因", "cause"), overflow="fold")
    for one in found:
        table.add_row(str(one.id), one.system, one.route, one.lane, looking.state(one.state), one.code or "", one.reason or "")
    screen.out.print(table)


def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help=say("投递单编号", "the delivery's number"))],
    unmask: Annotated[bool, typer.Option("--unmask", help=say("显示完整的个人信息", "show personal data in full"))] = False,
) -> None:
    """Show one delivery."""
    from hub.store import views

    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store, store.reading() as connection:
        found = views.delivery(connection, number)
        tried = views.attempts(connection, [number])
        bodies = views.bodies(connection, number)
    if found is None or bodies is None:
        raise HubError("HUB-X-111", f"there is no delivery {number}")
    data, body = _masked(settings, found, *bodies, unmask=unmask)
    if screen.json:
        screen.data({**asdict(found), "tried": [asdict(one) for one in tried], "data": data, "body": body})
    else:
        _show(screen, settings, found, tried, data, body)


def _masked(settings: Settings, one: Delivery, data: Any, body: Any, *, unmask: bool) -> tuple[Any, Any]:
    from hub.cli.shown import Showing

    route = next((route for route in settings.routes if route.name == one.route), None)
    source = settings.systems[route.source].schemas.get(one.kind) if route else None
    target = route.mapping.contract if route else None
    showing = Showing([(data, source), (body or {}, target)], unmask=unmask)
    return showing.whole(data, source), showing.whole(body, target) if body is not None else None


def _show(screen: Terminal, settings: Settings, one: Delivery, tried: list[Attempt], data: Any, body: Any) -> None:
    screen.line(
        f"{one.id}  {one.route} → {one.system}/{one.endpoint}  {say('办件', 'case')} {one.lane}  {looking.state(one.state)}", "bold"
    )
    if one.code:
        screen.line(f"{one.stage or ''} {one.code} {one.reason or ''}", style="red")
        screen.remedy(one.code, screen.out)
    for issue in one.issues:
        screen.line(
            f"  {issue['path']} {issue['title']}: {issue['message']} [{issue['rule']} {issue['id']}] {issue['value'] or ''}"
        )
    for attempt in tried:
        at = looking.when(attempt.opened_at, settings.timezone)
        said = " ".join(word for word in (attempt.code, attempt.said, attempt.reference) if word)
        screen.line(f"  #{attempt.number} {at} {attempt.outcome} {said}".rstrip())
    screen.line(say("原始记录", "record"), style="bold")
    screen.data(data)
    if body is not None:
        screen.line(say("要发送的内容", "body"), style="bold")
        screen.data(body)


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
    from hub.store import actions

    screen = terminal.of(ctx)
    settings = screen.settings()
    scope = actions.Scope(system, code, cause, None, lane, tuple(ids or ()), everything)
    if not scope:
        raise HubError("HUB-X-120", "no scope was given", hint="name ids, --system, --code, --cause, --case or --all")
    with looking.store_of(settings) as store:
        with store.reading() as connection:
            number = actions.count(connection, scope)
        screen.note(f"涉及 {number} 条", f"{number} dead letters are meant")
        if dry_run or not number:
            screen.data({"would_retry": number}) if screen.json else screen.line(str(number))
            return
        if not yes and not typer.confirm(say("重试它们吗？", "Try them again?"), err=True):
            raise typer.Exit(exits.DONE)
        _retry(screen, settings, store, scope, remap, reason)


def _retry(screen: Terminal, settings: Settings, store: Any, scope: Scope, remap: bool, reason: str) -> None:
    from hub.engine import replay
    from hub.engine.exchange import Exchange

    exchange = Exchange(settings, store)
    done = replay.retry(exchange, scope, remap=remap, actor=getpass.getuser(), reason=reason or "-")
    if screen.json:
        screen.data(asdict(done))
    else:
        screen.line(say(f"{done.retried} 条已重新排队", f"{done.retried} are queued again"), style="green")
        if done.still_unmappable:
            zh = f"{done.still_unmappable} 条仍不能映射；改好映射或数据后加 --remap 再试"
            en = f"{done.still_unmappable} still cannot be mapped; mend the mapping or the data and add --remap"
            screen.line(say(zh, en), style="yellow")
        screen.note(
            "由正在运行的 hub serve 发送；没有运行时用 hub sync", "a running hub serve sends them; without one, use hub sync"
        )
    raise typer.Exit(exits.FINDINGS if done.still_unmappable else exits.DONE)
