"""Decides how `hub trace` tells the life of one case: every record, delivery and attempt in the order they happened."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import looking, terminal
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError

if TYPE_CHECKING:
    from rich.tree import Tree

    from hub.settings import Settings
    from hub.store.views import Attempt, Delivery


def register(app: typer.Typer) -> None:
    """Add `hub trace`."""
    app.command("trace", help=say("一个办件的全部经过。", "The whole life of one case."))(trace)


def trace(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help=say("办件编号（路由的 lane）", "the case number (the routes' lane)"))],
) -> None:
    """Tell the life of a case: which deliveries, how often tried, what was said, where each stands."""
    from hub.store import views

    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store, store.reading() as connection:
        found = views.life(connection, settings.systems, case)
        tried = views.attempts(connection, [one.id for one in found])
    if not found:
        raise HubError("HUB-X-111", f"nothing is known of case {case}", hint="the case number as the routes' lane has it")
    if screen.json:
        screen.data({"deliveries": [asdict(one) for one in found], "attempts": [asdict(one) for one in tried]})
        return
    by_system: dict[str, list[Delivery]] = {}
    for one in found:
        by_system.setdefault(one.system, []).append(one)
    for name, mine in by_system.items():
        _tree(screen, settings, name, mine, tried)


def _tree(screen: Terminal, settings: Settings, name: str, mine: list[Delivery], tried: list[Attempt]) -> None:
    from rich.text import Text
    from rich.tree import Tree

    system = settings.systems.get(name)
    tree = Tree(Text(f"{system.title if system else name} ({name})", style="bold"))
    for one in mine:
        _branch(tree, settings, one, [attempt for attempt in tried if attempt.delivery == one.id])
    screen.out.print(tree)


def _branch(tree: Tree, settings: Settings, one: Delivery, tried: list[Attempt]) -> None:
    from rich.text import Text

    zone = settings.timezone
    which = f"#{one.id} {one.route} {one.kind} {one.key} [{one.operation}]"
    branch = tree.add(Text(f"{looking.when(one.created_at, zone)}  {which}  {looking.state(one.state)}"))
    for issue in one.issues:
        branch.add(Text(f"{issue['code']} {issue['path']} {issue['title']}: {issue['message']}"))
    for attempt in tried:
        said = " ".join(word for word in (attempt.code, attempt.said, attempt.reference) if word)
        number = say(f"第{attempt.number}次", f"try {attempt.number}")
        branch.add(Text(f"{looking.when(attempt.opened_at, zone)}  {number} {attempt.outcome}  {said}"))
    if one.code and not tried and not one.issues:
        branch.add(Text(f"{one.code} {one.reason or ''}"))
