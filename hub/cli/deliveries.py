"""Decides how deliveries are listed one by one, and one alone is told with its issues, tries and masked contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hub.cli import causes, changes, contacts, looking, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import UNSENT
from hub.model import Stage, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.cli.changes import Changed
    from hub.settings import Settings
    from hub.store.attempts import Attempt
    from hub.store.journal import Decision
    from hub.store.replays import Replay
    from hub.store.scopes import Scope
    from hub.store.stories import Story
    from hub.store.views import Delivery
    from hub.store.waiting import Ahead


def listed(screen: Terminal, settings: Settings, found: Sequence[Delivery], ahead: Mapping[int, Ahead] | None = None) -> None:
    """List deliveries, one line each; case numbers are never cut off. `ahead`: the held one that a pending one stands behind."""
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
        since, first = looking.when(one.changed_at, settings.timezone), (ahead or {}).get(one.id)
        cells = (one.system, one.route, one.lane, state(one, first), one.code or "", why(settings, one, first))
        table.add_row(str(one.id), *cells, since)
    screen.out.print(table)


def left_out(connection: Connection, scope: Scope, states: Sequence[State], shown: int, limit: int) -> int:
    """Return how many more a list that ends after `limit` leaves out; none are counted where it did not end there."""
    from hub.store import scopes

    return scopes.count(connection, scope, states) - shown if shown == limit else 0


def tell_left_out(screen: Terminal, shown: int, left: int) -> None:
    """Say, beside a list that ended at its limit, how many it leaves out and what shows them."""
    if left > 0:
        all_ = f"-n {shown + left}"
        screen.note(
            f"列出了 {shown} 条，另有 {left} 条没有列出：加 {all_} 全部列出", f"{shown} listed, {left} more: {all_} lists all"
        )


def data(one: Delivery, first: Ahead | None) -> dict[str, Any]:
    """Return a delivery as JSON data, with the held one it stands behind."""
    return {**asdict(one), "behind": asdict(first) if first else None}


def state(one: Delivery, first: Ahead | None) -> str:
    """Return the name of a delivery's state; what stands behind a held one (`first`) is not called pending."""
    return words.behind() if first else words.state(one.state)


def why(settings: Settings, one: Delivery, first: Ahead | None = None) -> str:
    """Return in a few words why a delivery stands where it stands. `first`: the held one it stands behind."""
    if first:
        return _behind(first)
    if one.state is State.PARKED:
        return say(f"等 {one.parent_route}", f"waits for {one.parent_route}")
    if one.stage == Stage.GATE:
        return _at_gate(one, one.reason or "")
    reason = causes.said(one.code, one.reason)
    if one.state is State.PENDING and one.due_at > one.changed_at:
        due = looking.when(one.due_at, settings.timezone)
        return say(f"{due} 再试 {reason}", f"again at {due} {reason}").strip()
    if one.state is State.PENDING and one.code == UNSENT:
        return say("排队中", "in the queue")
    return reason


def _behind(first: Ahead) -> str:
    if first.approver is None:
        return say(f"等 #{first.id} 待人工", f"waits for #{first.id}, about which somebody has to decide")
    return say(f"等 #{first.id} 审批（{first.approver}）", f"waits for #{first.id}, which {first.approver} has to approve")


def _at_gate(one: Delivery, reason: str) -> str:
    if one.state is State.HELD:
        return say(f"等{reason}审批", f"waits for the approval of {reason}")
    if one.state is State.SUPERSEDED:
        return say(f"{reason}还没有审批，就来了更新的版本", f"a newer version came before the approval of {reason}")
    return say(f"未获批准：{reason}", f"not approved: {reason}")


def tries(story: Story, settings: Settings, *, everything: bool) -> list[str]:
    """Return one line per try, replay and decision, as they came; windows that never left only if `everything`."""
    lines = [(one.opened_at, one.number, 0, _try(one, story, settings)) for one in story.tried if everything or one.code != UNSENT]
    lines += [(one.at, one.after, 1, _replay(one, settings)) for one in story.replays]
    lines += [(one.at, 0, 2, _decision(one, settings)) for one in story.decisions]
    return [line for *_, line in sorted(lines, key=lambda one: one[:3])]


def _replay(one: Replay, settings: Settings) -> str:
    at = looking.when(one.at, settings.timezone)
    if one.mapping is None:
        return say(
            f"{at}  {one.actor} 让它用原来的内容再送: {one.reason}", f"{at}  {one.actor} sent it again as it was: {one.reason}"
        )
    made = say(f"按映射 {one.mapping[:8]} 重新生成内容", f"body made anew by mapping {one.mapping[:8]}")
    return f"{at}  {one.actor} {made}: {one.reason}"


def _decision(one: Decision, settings: Settings) -> str:
    verdict = say("批准", "approved") if one.approved else say("不批准", "refused")
    return f"{looking.when(one.at, settings.timezone)}  {one.gate}  {verdict}  {one.actor}: {one.reason}"


def _try(one: Attempt, story: Story, settings: Settings) -> str:
    number = say(f"第 {one.number} 次", f"try {one.number}") if one.number else say("事后核查", "later check")
    reference = say(f"回执 {one.reference}", f"receipt {one.reference}") if one.reference else ""
    said = "  ".join(word for word in (one.code, causes.said(one.code, one.said), reference) if word)
    body = _body(one) if story.replays and one.number else ""
    return f"{looking.when(one.opened_at, settings.timezone)}  {number}  {words.outcome(one.outcome)}  {said}".rstrip() + body


def _body(one: Attempt) -> str:
    """Return which bytes a try sent."""
    if one.made is None or one.made.mapping is None:
        return say("  〔原内容〕", "  [original body]")
    return say(f"  〔新内容 {one.made.mapping[:8]}〕", f"  [new body {one.made.mapping[:8]}]")


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


def told(screen: Terminal, settings: Settings, seen: Seen, data: Any, body: Any, changed: Sequence[Changed] = ()) -> None:
    """Tell one delivery: where it stands and why, every issue, try and decision, what was read, what is sent, what that changes."""
    one = seen.delivery
    if screen.json:
        screen.data({**asdict(one), **seen.story.data(), "changed": [asdict(part) for part in changed], "data": data, "body": body})
        return
    where = f"{one.id}  {one.route} → {one.system}/{one.endpoint}" if one.endpoint else f"{one.id}  {one.system}"
    screen.line(f"{where}  {say('办件', 'case')} {one.lane}  {state(one, seen.ahead)}", "bold")
    if one.code or one.reason or seen.ahead:
        screen.line(f"{words.stage(one.stage or '')} {one.code or ''} {why(settings, one, seen.ahead)}".strip(), style="red")
    if one.code:
        screen.remedy(one.code, screen.out)
    if one.approver:
        screen.line(f"{say('审批单位', 'approved by')}: {one.approver}")
    system = settings.systems.get(one.system)
    if system and (contact := contacts.whom(one.stage, system, contacts.suppliers(settings, one.system, [one.route]))):
        screen.line(f"{say('联系', 'contact')}: {contact}")
    _issues(screen, one)
    for line in tries(seen.story, settings, everything=screen.verbose > 0):
        screen.line(f"  {line}")
    for part in changed:
        changes.show(screen, part)
    _contents(screen, data, body)


def _issues(screen: Terminal, one: Delivery) -> None:
    for issue in one.issues:
        rule = " ".join(word for word in (causes.rule(issue["rule"]), issue["id"]) if word)
        screen.line(
            f"  {issue['path']} {issue['title']}: {causes.sentence(issue['message'])} [{rule}] {issue['value'] or ''}".rstrip()
        )


def _contents(screen: Terminal, data: Any, body: Any) -> None:
    screen.line(say("原始记录", "record"), style="bold")
    screen.data(data)
    if body is not None:
        screen.line(say("要发送的内容", "body"), style="bold")
        screen.data(body)


@dataclass(frozen=True, slots=True)
class Seen:
    """A delivery with what happened to it, its record's data and its body."""

    delivery: Delivery
    story: Story
    data: Any
    body: Any
    ahead: Ahead | None = None  # the held one it stands behind


def read(connection: Connection, number: int) -> Seen:
    """Return a delivery with all there is about it. Raises HubError HUB-X-111 when there is none."""
    from hub.errors import HubError
    from hub.store import stories, views, waiting

    found, contents = views.delivery(connection, number), views.bodies(connection, number)
    if found is None or contents is None:
        raise HubError("HUB-X-111", f"there is no delivery {number}", hint="hub dead list --each and hub hold list show numbers")
    first = waiting.ahead(connection, [number]).get(number)
    return Seen(found, stories.read(connection, [number]), *contents, first)
