"""Decides what somebody who must approve is shown: field by field, what would change against what the target has now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.model import Json

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.cli.shown import Line
    from hub.settings import RouteSettings, Settings
    from hub.store.gate import Version


@dataclass(frozen=True, slots=True)
class Change:
    """One field: its path, its Chinese title, what the target has (None: nothing) and what it would have; personal data masked."""

    path: str
    title: str
    old: Json
    new: Json


@dataclass(frozen=True, slots=True)
class Changed:
    """What one delivery would change. `first`: the target has nothing of it yet."""

    delivery: int
    route: str
    title: str
    first: bool
    fields: tuple[Change, ...]


def of(connection: Connection, settings: Settings, number: int) -> list[Changed]:
    """Return what a delivery that waits for approval would change, and what goes with it."""
    from hub.store import gate

    routes = {route.name: route for route in settings.routes}
    return [_changed(one, routes.get(one.route)) for one in gate.versions(connection, number)]


def _changed(one: Version, route: RouteSettings | None) -> Changed:
    fields = () if one.published is None else tuple(_fields(one.published, one.body, route))
    return Changed(one.id, one.route, route.title if route else one.route, one.published is None, fields)


def _fields(old: Mapping[str, Json], new: Mapping[str, Json], route: RouteSettings | None) -> list[Change]:
    from hub.cli.shown import Showing

    contract, sides = route.mapping.contract if route else None, (old, new)
    showing, plain = (Showing([(side, contract) for side in sides], unmask=unmask) for unmask in (False, True))
    before, after = ({line.path: line.value for line in plain.lines(side, contract)} for side in sides)
    shown_before, shown_after = ({line.path: line for line in showing.lines(side, contract)} for side in sides)
    changed = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    return [_change(path, shown_before.get(path), shown_after.get(path), known=route is not None) for path in changed]


def _change(path: str, old: Line | None, new: Line | None, *, known: bool) -> Change:
    """Return one change. Where the route is no longer configured nothing says what is personal: then everything is masked."""
    from hub.mapping import mask

    values = [line.value if line else None for line in (old, new)]
    if not known:
        values = [value if value in (None, "") else mask(value, "other") for value in values]
    line = new or old
    return Change(path, line.title if line else "", *values)


def show(screen: Terminal, part: Changed) -> None:
    """Show what one delivery would change."""
    screen.line(f"{say('与已发布的相比', 'against what is published')}  #{part.delivery} {part.title}", style="bold")
    if part.first:
        screen.line(say("  第一次发布", "  published for the first time"))
    elif not part.fields:
        screen.line(say("  没有变化", "  nothing changes"))
    for one in part.fields:
        screen.line(f"  {one.path} {one.title}: {_said(one.old)} → {_said(one.new)}")


def _said(value: Json) -> str:
    return say("（空）", "(empty)") if value is None or value == "" else str(value)
