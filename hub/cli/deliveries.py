"""Decides how deliveries are listed one by one, and one alone is told with its issues, tries and masked contents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hub.cli import causes, contacts, looking, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import UNSENT
from hub.model import State

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.settings import Settings
    from hub.store.views import Attempt, Delivery


def listed(screen: Terminal, settings: Settings, found: Sequence[Delivery]) -> None:
    """List deliveries, one line each; case numbers are never cut off."""
    table = looking.table(
        ("编号", "id", "right"),
        ("系统", "system"),
        ("路由", "route"),
        ("办件", "case"),
        ("状态", "state", "whole"),
        ("代码", "code", "whole"),
        ("原因", "cause"),
        ("自", "since", "whole"),
    )
    for one in found:
        since = looking.when(one.changed_at, settings.timezone)
        table.add_row(
            str(one.id), one.system, one.route, one.lane, words.state(one.state), one.code or "", why(settings, one), since
        )
    screen.out.print(table)


def why(settings: Settings, one: Delivery) -> str:
    """Return in a few words why a delivery stands where it stands."""
    if one.state is State.PARKED:
        return say(f"等 {one.parent_route}", f"waits for {one.parent_route}")
    reason = causes.said(one.code, one.reason)
    if one.state is State.PENDING and one.due_at > one.changed_at:
        due = looking.when(one.due_at, settings.timezone)
        return say(f"{due} 再试 {reason}", f"again at {due} {reason}").strip()
    if one.state is State.PENDING and one.code == UNSENT:
        return say("排队中", "in the queue")
    return reason


def tries(attempts: Iterable[Attempt], settings: Settings, *, everything: bool) -> list[str]:
    """Return one line per try, in the order they were made; windows that never left only if `everything`."""
    return [_try(one, settings) for one in attempts if everything or one.code != UNSENT]


def _try(one: Attempt, settings: Settings) -> str:
    number = say(f"第 {one.number} 次", f"try {one.number}") if one.number else say("事后核查", "later check")
    reference = say(f"回执 {one.reference}", f"receipt {one.reference}") if one.reference else ""
    said = "  ".join(word for word in (one.code, one.said, reference) if word)
    return f"{looking.when(one.opened_at, settings.timezone)}  {number}  {words.outcome(one.outcome)}  {said}".rstrip()


def masked(settings: Settings, one: Delivery, data: Any, body: Any, *, unmask: bool) -> tuple[Any, Any]:
    """Return a delivery's record and body with what is personal masked.

    A delivery whose route is no longer configured has no marks left that say what is personal: all of it is masked.
    """
    from hub.cli.shown import Showing
    from hub.mapping import mask

    route = next((route for route in settings.routes if route.name == one.route), None)
    system = settings.systems.get(route.source if route else one.system)
    source = system.schemas.get(one.kind) if system else None
    target = route.mapping.contract if route else None
    if not unmask and route is None and source is None:
        return _each(data, lambda value: mask(value, "other")), _each(body, lambda value: mask(value, "other"))
    showing = Showing([(data, source), (body or {}, target)], unmask=unmask)
    return showing.whole(data, source), showing.whole(body, target) if body is not None else None


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _each(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each(inner, change) for inner in value]
    return value if value in (None, "") else change(value)


def told(screen: Terminal, settings: Settings, one: Delivery, tried: list[Attempt], data: Any, body: Any) -> None:
    """Tell one delivery: where it stands and why, every issue, every try, what was read and what is sent."""
    if screen.json:
        screen.data({**asdict(one), "tried": [asdict(attempt) for attempt in tried], "data": data, "body": body})
        return
    where = f"{one.id}  {one.route} → {one.system}/{one.endpoint}" if one.endpoint else f"{one.id}  {one.system}"
    screen.line(f"{where}  {say('办件', 'case')} {one.lane}  {words.state(one.state)}", "bold")
    if one.code or one.reason:
        screen.line(f"{words.stage(one.stage or '')} {one.code or ''} {why(settings, one)}".strip(), style="red")
    if one.code:
        screen.remedy(one.code, screen.out)
    system = settings.systems.get(one.system)
    if system and (contact := contacts.whom(one.stage, system, contacts.suppliers(settings, one.system, one.route))):
        screen.line(f"{say('联系', 'contact')}: {contact}")
    _issues(screen, one)
    for line in tries(tried, settings, everything=screen.verbose > 0):
        screen.line(f"  {line}")
    _contents(screen, data, body)


def _issues(screen: Terminal, one: Delivery) -> None:
    for issue in one.issues:
        rule = " ".join(word for word in (issue["rule"], issue["id"]) if word)
        screen.line(f"  {issue['path']} {issue['title']}: {issue['message']} [{rule}] {issue['value'] or ''}".rstrip())


def _contents(screen: Terminal, data: Any, body: Any) -> None:
    screen.line(say("原始记录", "record"), style="bold")
    screen.data(data)
    if body is not None:
        screen.line(say("要发送的内容", "body"), style="bold")
        screen.data(body)


def read(connection: Connection, number: int) -> tuple[Delivery, list[Attempt], Any, Any]:
    """Return a delivery with its attempts, its record's data and its body. Raises HubError HUB-X-111 when there is none."""
    from hub.errors import HubError
    from hub.store import views

    found, contents = views.delivery(connection, number), views.bodies(connection, number)
    if found is None or contents is None:
        raise HubError("HUB-X-111", f"there is no delivery {number}", hint="hub dead list --each and hub hold list show numbers")
    return found, views.attempts(connection, [number]), *contents
