"""Decides how a person ends the waiting of held deliveries: send, they have it, or give up; counted first, with a reason."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import changes, deliveries, exits, looking, terminal, words
from hub.cli.lang import say
from hub.errors import HubError
from hub.model import State

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.cli.terminal import Terminal
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.scopes import Scope
    from hub.store.views import Delivery

#: Deliveries decided in one transaction.
MOST_AT_ONCE = 500

System = Annotated[str | None, typer.Option("--system", help=say("只看这个系统", "only this system"))]
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help=say("只这些编号", "only these numbers"))]
Case = Annotated[str | None, typer.Option("--case", help=say("只这个办件", "only this case"))]
Why = Annotated[str, typer.Option("--reason", help=say("为什么，记入操作日志（必填）", "why; goes into the journal (required)"))]
By = Annotated[
    str | None, typer.Option("--by", help=say("谁决定的，记入操作日志；缺省是登录名", "who decides; the login name otherwise"))
]
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
    group.command(
        "cancel", help=say("不再送：取消；点名的也可以是等父记录的。", "Give them up; what is named may also wait for a parent.")
    )(cancel)
    app.add_typer(group, name="hold")


def list_(
    ctx: typer.Context,
    system: System = None,
    parked: Annotated[bool, typer.Option("--parked", help=say("看等父记录的", "those that wait for a parent"))] = False,
    pending: Annotated[bool, typer.Option("--pending", help=say("看待发的", "those that wait to be sent"))] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many"))] = 100,
) -> None:
    """List: exit 1 when something waits for a person."""
    from hub.store import scopes, views, waiting

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, system)
    state = State.PARKED if parked else State.PENDING if pending else State.HELD
    with looking.store_of(settings) as store, store.reading() as connection:
        found = views.deliveries(connection, system=system, states=(state,), failed_first=pending, limit=limit)
        ahead = waiting.ahead(connection, [one.id for one in found])
        left = deliveries.left_out(connection, scopes.Scope(system=system, everything=True), (state,), len(found), limit)
    if screen.json:
        screen.data([deliveries.data(one, ahead.get(one.id)) for one in found])
    elif found:
        deliveries.listed(screen, settings, found, ahead)
    else:
        screen.note("没有", "none")
    deliveries.tell_left_out(screen, len(found), left)
    if found and state is State.HELD and not screen.json:
        _advise(screen, found)
    raise typer.Exit(exits.FINDINGS if found and state is State.HELD else exits.DONE)


def _advise(screen: Terminal, found: Sequence[Delivery]) -> None:
    """Tell what can be decided: about what waits for an approval by its office, about all else once the far side was asked."""
    if gated := next((one for one in found if one.approver), None):
        look, decide = screen.command(f"hub hold show {gated.id}"), f"hub hold release|cancel {gated.id} --by "
        screen.note(
            f"等审批的，看一条：{look}；{gated.approver}批准或不批准：{screen.command(f'{decide}姓名 --reason 意见')}",
            f"for approval: {look}; {gated.approver} approves or refuses: {screen.command(f'{decide}NAME --reason WHY')}",
        )
    if other := next((one for one in found if not one.approver), None):
        look, decide = screen.command(f"hub hold show {other.id}"), f"hub hold release|deliver|cancel {other.id} --reason "
        screen.note(
            f"看一条：{look}；与对方核实后：{screen.command(f'{decide}说明')}",
            f"one of them: {look}; once you know: {screen.command(f'{decide}WHY')}",
        )


def show(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID", help=say("投递单编号", "number"))]) -> None:
    """Show one delivery; of one that waits for approval also what it would change."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store, store.reading() as connection:
        seen = deliveries.read(connection, number)
        changed = changes.of(connection, settings, number) if seen.delivery.approver else []
    data, body = deliveries.masked(settings, seen.delivery, seen.data, seen.body, unmask=False)
    deliveries.told(screen, settings, seen, data, body, changed)
    if seen.delivery.approver and not screen.json:
        release, cancel = (screen.command(f"hub hold {word} {number} --by ") for word in ("release", "cancel"))
        screen.note(
            f"批准：{release}姓名 --reason 意见；不批准：{cancel}姓名 --reason 理由",
            f"approve: {release}NAME --reason WHY; refuse: {cancel}NAME --reason WHY",
        )


def release(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, case: Case = None,
            by: By = None, dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Send held deliveries."""
    _decide(ctx, Wish(State.PENDING, reason, by), ids, system, case, dry_run, yes)


def deliver(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, case: Case = None,
            by: By = None, dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Call held deliveries delivered."""
    _decide(ctx, Wish(State.DELIVERED, reason, by), ids, system, case, dry_run, yes)


def cancel(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, case: Case = None,
           by: By = None, dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Give held deliveries up."""
    _decide(ctx, Wish(State.CANCELLED, reason, by), ids, system, case, dry_run, yes)


_DONE = {
    State.PENDING: ("条已放行，排队发送", "queued to be sent"),
    State.DELIVERED: ("条记为已送达", "called delivered"),
    State.CANCELLED: ("条已取消", "cancelled"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody decides, why, and who (None: whoever is logged in)."""

    state: State
    reason: str
    by: str | None

    def actor(self) -> str:
        """Return who decides. Raises HubError HUB-X-125 where name or reason says nothing."""
        name = getpass.getuser() if self.by is None else self.by.strip()
        if not name or not self.reason.strip():
            raise HubError("HUB-X-125", "a decision needs a name and a reason", hint="--by NAME --reason WHY")
        return name


def _decide(
    ctx: typer.Context, wish: Wish, ids: list[int] | None, system: str | None, case: str | None, dry_run: bool, yes: bool
) -> None:
    from hub.store import scopes

    screen = terminal.of(ctx)
    settings = screen.settings()
    looking.known_system(settings, system)
    actor = wish.actor()
    scope = scopes.Scope(system=system, lane=case, ids=tuple(ids or ()))
    if not scope:
        raise HubError("HUB-X-120", "no scope was given", hint="name ids, --system or --case")
    missed = 0
    with looking.store_of(settings) as store:
        with store.reading() as connection:
            meant, parked = _meant(connection, scope, wish.state), _parked(connection, scope, wish.state)
            gone = _gone(connection, ids or [], [*meant, *parked])
        for one in gone:
            screen.line(_why_not(settings, one), style="yellow")
        wanted = len(meant) + len(parked)
        screen.note(f"涉及 {wanted} 条", f"{words.counted(wanted, 'delivery', 'deliveries')} {words.are(wanted)} meant")
        if wanted and not dry_run and (yes or looking.agreed("确定吗？", "Are you sure?")):
            number = _do(store, meant, parked, wish, actor)
            zh, en = _DONE[wish.state]
            text = say(f"{number} {zh}", f"{number} {words.are(number)} {en}")
            screen.data({"decided": number, "state": wish.state.value}) if screen.json else screen.line(text, style="green")
            missed = wanted - number  # overtaken by a newer version while the question was asked
        elif screen.json or dry_run or not wanted:
            screen.data({"would_decide": wanted}) if screen.json else screen.count(wanted)
    if gone or missed:
        raise typer.Exit(exits.FINDINGS)


def _meant(connection: Connection, scope: Scope, state: State) -> list[int]:
    """Return the numbers that a decision is about: what came to wait after it was looked at is not decided with it."""
    from hub.store import actions

    return actions.held(connection, scope, at_gate=False if state is State.DELIVERED else None)


def _parked(connection: Connection, scope: Scope, state: State) -> list[int]:
    """Return what waits for a parent and is given up by name: its parent may be given up, too, and come no more."""
    from hub.store import scopes

    if state is not State.CANCELLED or not scope.ids:
        return []
    return scopes.samples(connection, scope, (State.PARKED,), most=len(scope.ids))


def _do(store: Store, meant: list[int], parked: list[int], wish: Wish, actor: str) -> int:
    """Decide about what is held, and give up what is parked; return how many that were."""
    from hub.engine.exchange import utc_now
    from hub.store import actions, scopes
    from hub.store.numbers import parts

    def decide(part: list[int], connection: Connection) -> int:
        scope = scopes.Scope(ids=tuple(part))
        return actions.decide_held(connection, scope, wish.state, actor=actor, reason=wish.reason, now=utc_now())

    def give_up(part: list[int], connection: Connection) -> int:
        scope, waiting = scopes.Scope(ids=tuple(part)), (State.PARKED,)
        return actions.cancel(connection, scope, actor=actor, reason=wish.reason, now=utc_now(), states=waiting)

    number: int = sum(store.write(partial(decide, part)) for part in parts(meant, MOST_AT_ONCE))
    given_up: int = sum(store.write(partial(give_up, part)) for part in parts(parked, MOST_AT_ONCE))
    return number + given_up


def _gone(connection: Connection, ids: list[int], meant: list[int]) -> list[Delivery]:
    """Return the deliveries that were named and cannot be decided so (any more)."""
    from hub.store import views

    found = (views.delivery(connection, number) for number in ids if number not in meant)
    return [one for one in found if one is not None]


def _why_not(settings: Settings, one: Delivery) -> str:
    why = deliveries.why(settings, one)
    state = words.state(one.state)
    return say(f"#{one.id} 不能这样处理：{state} {why}", f"#{one.id} cannot be decided so: {state} {why}").strip()
