"""Decides how dead letters end: tried again, given up, or given up and forgotten; counted before anything happens."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import causes, exits, looking, terminal, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError
from hub.model import FAILED

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from hub.engine.replay import Replayed
    from hub.settings import Settings
    from hub.store import Store
    from hub.store.scopes import Scope

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID|GROUP]...", help=say("只这些：投递单编号，或 list 给出的组的编号", "only these numbers and groups")
    ),
]
System = Annotated[str | None, typer.Option("--system", help=say("只看这个系统", "only this system"))]
Code = Annotated[str | None, typer.Option("--code", help=say("只看这个代码", "only this code"))]
CauseOf = Annotated[
    str | None, typer.Option("--cause", help=say("只这个原因（照抄 list 的原因列）", "only this cause, as list shows it"))
]
Case = Annotated[str | None, typer.Option("--case", help=say("只这个办件", "only this case"))]
Why = Annotated[str, typer.Option("--reason", help=say("为什么不再报送，记入操作日志", "why; goes into the journal"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=say("只数一数，并给出几个样例", "only count, and name a few"))]
Yes = Annotated[bool, typer.Option("-y", "--yes", help=say("不再询问", "do not ask"))]


def register(group: typer.Typer) -> None:
    """Add the commands to `hub dead`."""
    again = say("重试一批；不加 --yes 先问。", "Try a scope again; asks first unless --yes.")
    group.command("retry", help=again)(retry)
    end = say("结案：不再报送；不加 --yes 先问。", "Give a scope up; asks first unless --yes.")
    group.command("cancel", help=end)(cancel)
    forget = say(
        "结案并清除内容：要发送的，和已有新版本的原始记录；不加 --yes 先问。",
        "Give a scope up and forget its contents: bodies, and records that have a newer version; asks first unless --yes.",
    )
    group.command("purge", help=forget)(purge)


def retry(
    ctx: typer.Context,
    ids: Ids = None,
    system: System = None,
    code: Code = None,
    cause: CauseOf = None,
    lane: Case = None,
    everything: Annotated[bool, typer.Option("--all", help=say("全部死信", "all dead letters"))] = False,
    remap: Annotated[
        bool, typer.Option("--remap", help=say("用现在的映射重新生成内容", "make the bodies anew with the present mapping"))
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help=say("为什么重试，记入操作日志", "why; goes into the journal"))] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Retry: exit 1 when some could not be retried."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    named = _Named(system, code, cause, lane, ids or [], everything)
    with looking.store_of(settings) as store:
        meant = _meant(screen, settings, store, named)
        if dry_run or not meant.number:
            _counted(screen, "would_retry", meant)
            return
        if not yes and not looking.agreed("重试它们吗？", "Try them again?"):
            return
        raise typer.Exit(_retry(screen, settings, store, meant.scope, remap, reason))


def cancel(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, code: Code = None, cause: CauseOf = None,
           lane: Case = None, dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Give dead letters up: the sender sent the data anew, or nobody shall ever have it."""
    from hub.store import actions

    def give_up(connection: Connection, scope: Scope, now: datetime) -> dict[str, int]:
        states, who = tuple(FAILED), getpass.getuser()
        return {"cancelled": actions.cancel(connection, scope, actor=who, reason=reason, now=now, states=states)}

    _end(ctx, _Named(system, code, cause, lane, ids or []), give_up, "would_cancel", reason, dry_run, yes)


def purge(ctx: typer.Context, reason: Why, ids: Ids = None, system: System = None, code: Code = None, cause: CauseOf = None,
          lane: Case = None, dry_run: DryRun = False, yes: Yes = False) -> None:  # fmt: skip
    """Give dead letters up and forget their contents; the fact, the reason, the tries and the journal stay."""
    from hub.store import purging

    def forget(connection: Connection, scope: Scope, now: datetime) -> dict[str, int]:
        return asdict(purging.purge(connection, scope, actor=getpass.getuser(), reason=reason, now=now))

    _end(ctx, _Named(system, code, cause, lane, ids or []), forget, "would_purge", reason, dry_run, yes)


@dataclass(frozen=True, slots=True)
class _Named:
    """Which dead letters were named on the command line; `everything` None: all of them cannot be."""

    system: str | None
    code: str | None
    cause: str | None
    lane: str | None
    ids: Sequence[str]
    everything: bool | None = None


@dataclass(frozen=True, slots=True)
class _Meant:
    """What was named as it is in the store, how many that are, and the first of them."""

    scope: Scope
    number: int
    samples: list[int]


def named(given: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return which deliveries and which groups are named. Raises typer.BadParameter for what is neither."""
    from hub.store.causes import NAME

    groups = tuple(word for word in given if NAME.fullmatch(word))
    wrong = [word for word in given if word not in groups and not (word.isascii() and word.isdigit())]
    if wrong:
        raise typer.BadParameter(say(f"既不是编号也不是组：{wrong[0]}", f"neither a number nor a group: {wrong[0]}"))
    return tuple(int(word) for word in given if word not in groups), groups


def _meant(screen: Terminal, settings: Settings, store: Store, given: _Named) -> _Meant:
    """Return what is meant and say how many. Raises HubError for no scope at all, and for a group that is not there."""
    from hub.store import groups, scopes

    looking.known_system(settings, given.system)
    numbers, names = named(given.ids)
    scope = scopes.Scope(given.system, given.code, given.cause, None, given.lane, numbers, bool(given.everything))
    if not scope and not names:
        ways = "--case" if given.everything is None else "--case or --all"
        raise HubError("HUB-X-120", "no scope was given", hint=f"name ids, groups, --system, --code, --cause, {ways}")
    with store.reading() as connection:
        scope = replace(_as_stored(connection, scope), groups=groups.find(connection, names))
        meant = _Meant(scope, scopes.count(connection, scope), scopes.samples(connection, scope))
    screen.note(f"涉及 {meant.number} 条死信", f"{words.counted(meant.number, 'dead letter')} {words.are(meant.number)} meant")
    return meant


def _as_stored(connection: Connection, scope: Scope) -> Scope:
    """Return the scope with its cause as it is stored: it may be copied from a screen in another language."""
    from hub.store import groups

    if scope.reason is None:
        return scope
    return replace(scope, reason=causes.exactly(groups.unfolded(connection, system=scope.system), scope.reason))


def _counted(screen: Terminal, word: str, meant: _Meant) -> None:
    if screen.json:
        screen.data({word: meant.number, "samples": meant.samples})
        return
    screen.count(meant.number)
    if meant.samples:
        screen.note(f"样例：{' '.join(map(str, meant.samples))}", f"for example: {' '.join(map(str, meant.samples))}")


def _end(
    ctx: typer.Context,
    given: _Named,
    act: Callable[[Connection, Scope, datetime], dict[str, int]],
    word: str,
    reason: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Count, ask, and give up; `act` returns how many of what. Raises HubError HUB-X-125 where the reason says nothing."""
    from hub.engine.exchange import utc_now

    if not reason.strip():
        raise HubError("HUB-X-125", "giving up needs a reason", hint="--reason WHY")
    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store:
        meant = _meant(screen, settings, store, given)
        if dry_run or not meant.number or not (yes or looking.agreed("结案吗？", "Give them up?")):
            _counted(screen, word, meant)
            return
        done = store.write(lambda connection: act(connection, meant.scope, utc_now()))
    _ended(screen, done)


def _ended(screen: Terminal, done: dict[str, int]) -> None:
    if screen.json:
        screen.data(done)
        return
    number = next(iter(done.values()))
    screen.line(say(f"{number} 条已结案", f"{number} {words.are(number)} given up"), style="green")
    if "bodies" in done:
        text = (f"清除了 {done['bodies']} 份要发送的内容、{done['records']} 份原始记录",
                f"{done['bodies']} bodies and {done['records']} records were forgotten")  # fmt: skip
        screen.line(say(*text))


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
    holder = store.holder()
    if done.retried and holder is None:
        serve, sync = screen.command("hub serve"), screen.command("hub sync")
        screen.note(f"没有中枢在运行：用 {serve} 或 {sync} 发送", f"no hub is at work: {serve} or {sync} sends them")
    if remap and holder is not None:
        _tell_what_it_maps_by(screen, settings, store, holder)
    return exits.FINDINGS if done.still_unmappable else exits.DONE


def _tell_what_it_maps_by(screen: Terminal, settings: Settings, store: Store, holder: str) -> None:
    """Say that a hub at work maps the next record by the files it has loaded, unless these are known to be the same."""
    from hub.engine.maintain import LOADED
    from hub.store import cursors, workers

    with store.reading() as connection:
        living, loaded = workers.living(connection), cursors.get(connection, LOADED)
    alone = [] if living or loaded == settings.digest else [holder]  # who serves alone does not beat
    older = [one.name for one in living if one.digest != settings.digest] + alone
    if older:
        names, have = ", ".join(older), words.verb(len(older), "have", "has")
        screen.note(f"{names} 用的还不是这些文件：改过映射或代码表，要先让它重新载入（SIGHUP），否则下一条还会死",
                    f"{names} {have} not loaded these files: after a change of mapping or code table let it reload (SIGHUP), "
                    "else the next record dies again", style="yellow")  # fmt: skip


def _stuck(screen: Terminal, done: Replayed) -> str:
    """Say why some could not be tried again: without a new mapping they have nothing to send, with it none could be made."""
    number, first = done.still_unmappable, done.first
    if first is None:
        zh = f"{number} 条没有可发送的内容；改好映射、代码表后加 --remap 再试"
        return say(zh, f"{number} {words.have(number)} nothing to send; mend the mapping or code table and add --remap")
    cause = causes.said(first.code, first.reason) or say("路由已不在配置中", "the route is no longer configured")
    look = screen.command(f"hub dead show {first.id}")
    return say(f"{number} 条仍映射不出（{cause}）：{look}", f"{number} still cannot be mapped ({cause}): {look}")
