"""Decides how a person ends the waiting of held deliveries: send, they have it, or give up; counted first, with a reason."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli import deliveries, exits, looking, terminal
from hub.cli.lang import say
from hub.errors import HubError
from hub.model import State

System = Annotated[str | None, typer.Option("--system", help=say("只看这个系统", "only this system"))]
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help=say("只这些编号", "only these numbers"))]
Case = Annotated[str | None, typer.Option("--case", help=say("只这个办件", "only this case"))]
Why = Annotated[str, typer.Option("--reason", help=say("为什么，记入操作日志（必填）", "why; goes into the journal (required)"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=say("只数一数", "only count"))]
Yes = Annotated[bool, typer.Option("-y", "--yes", help=say("不再询问", "do not ask"))]


def register(app: typer.Typer) -> None:
    """Add `hub hold`."""
    group = typer.Typer(
        no_args_is_help=True,
        help=say("待人工的：看，然后放行、认定已送达或取消。", "Held deliveries: look, then release, call delivered, or cancel."),
    )
    group.command("list", help=say("列出等待中的，不只是等人的。", "List what waits, for a person or for something else."))(list_)
    group.command("show", help=say("看一条（个人信息打码）。", "Show one (personal data masked)."))(show)
    group.command("release", help=say("放行：发送（审批通过，或对方说没收到）。", "Send them: approved, or the far side has not."))(
        release
    )
    group.command("deliver", help=say("对方确认已收到：记为已送达。", "The far side has them: call them delivered."))(deliver)
    group.command("cancel", help=say("不再送：取消。", "Give them up."))(cancel)
    app.add_typer(group, name="hold")


def list_(
    ctx: typer.Context,
    system: System = None,
    parked: Annotated[bool, typer.Option("--parked", help=say("看等父记录的", "those that wait for a parent"))] = False,
    pending: Annotated[bool, typer.Option("--pending", help=say("看待发的", "those that wait to be sent"))] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 100,
) -> None:
    """List: exit 1 when something waits for a person."""
    from hub.store import views

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, system)
    state = State.PARKED if parked else State.PENDING if pending else State.HELD
    with looking.store_of(settings) as store, store.reading() as connection:
        found = views.deliveries(connection, system=system, states=(state,), limit=limit)
    if screen.json:
        screen.data([asdict(one) for one in found])
    elif found:
        deliveries.listed(screen, settings, found)
    else:
        screen.note("没有", "none")
    if found and state is State.HELD and not screen.json:
        first = found[0].id
        look, decide = screen.command(f"hub hold show {first}"), f"hub hold release|deliver|cancel {first} --reason "
        screen.note(
            f"看一条：{look}；与对方核实后：{screen.command(f'{decide}说明')}",
            f"one of them: {look}; once you know: {screen.command(f'{decide}WHY')}",
        )
    raise typer.Exit(exits.FINDINGS if found and state is State.HELD else exits.DONE)


def show(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID", help=say("投递单编号", "number"))]) -> None:
    """Show one delivery."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store, store.reading() as connection:
        found, tried, data, body = deliveries.read(connection, number)
    data, body = deliveries.masked(settings, found, data, body, unmask=False)
    deliveries.told(screen, settings, found, tried, data, body)


def release(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, case: Case = None,
            dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Send held deliveries."""
    _decide(ctx, State.PENDING, reason, ids, system, case, dry_run, yes)


def deliver(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, case: Case = None,
            dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Call held deliveries delivered."""
    _decide(ctx, State.DELIVERED, reason, ids, system, case, dry_run, yes)


def cancel(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, case: Case = None,
           dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Give held deliveries up."""
    _decide(ctx, State.CANCELLED, reason, ids, system, case, dry_run, yes)


_DONE = {
    State.PENDING: ("条已放行，排队发送", "are queued to be sent"),
    State.DELIVERED: ("条记为已送达", "are called delivered"),
    State.CANCELLED: ("条已取消", "are cancelled"),
}


def _decide(
    ctx: typer.Context, state: State, reason: str, ids: list[int] | None, system: str | None, case: str | None,
    dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    from hub.engine.exchange import utc_now
    from hub.store import actions

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, system)
    scope = actions.Scope(system=system, lane=case, ids=tuple(ids or ()))
    if not scope:
        raise HubError("HUB-X-120", "no scope was given", hint="name ids, --system or --case")
    with looking.store_of(settings) as store:
        with store.reading() as connection:
            number = actions.count(connection, scope, (State.HELD,))
        screen.note(f"涉及 {number} 条待人工的", f"{number} held deliveries are meant")
        if number and not dry_run and (yes or looking.agreed("确定吗？", "Are you sure?")):
            with store.writing() as connection:
                number = actions.decide_held(connection, scope, state, actor=getpass.getuser(), reason=reason, now=utc_now())
            text = f"{number} {say(*_DONE[state])}"
            screen.data({"decided": number, "state": state.value}) if screen.json else screen.line(text, style="green")
        elif screen.json or dry_run or not number:
            screen.data({"would_decide": number}) if screen.json else screen.line(str(number))
