"""Decides how `hub trace` tells the life of one case: every record, delivery and attempt in the order they happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import causes, deliveries, looking, terminal, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError
from hub.model import FAILED, Stage, State

if TYPE_CHECKING:
    from rich.tree import Tree

    from hub.settings import Settings
    from hub.store.stories import Story
    from hub.store.views import Delivery
    from hub.store.waiting import Ahead

_STYLES = {State.DELIVERED: "green", State.CONFIRMED: "green", State.HELD: "yellow", State.PARKED: "yellow", State.PENDING: "cyan"}


def register(app: typer.Typer) -> None:
    """Add `hub trace`."""
    help_ = say(
        "一个办件的全部经过；-v 连未发出的轮次也显示。", "The whole life of one case; -v shows windows that never left too."
    )
    app.command("trace", help=help_)(trace)


def trace(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help=say("办件编号（路由的 lane）", "the case number (the routes' lane)"))],
) -> None:
    """Tell the life of a case: which deliveries, how often tried, what was said, where each stands."""
    from hub.store import stories, views, waiting

    screen = terminal.of(ctx)
    settings = screen.settings()
    with looking.store_of(settings) as store, store.reading() as connection:
        found = views.life(connection, settings.systems, case)
        numbers = [one.id for one in found]
        known = _Known(stories.read(connection, numbers), waiting.ahead(connection, numbers))
    if not found:
        raise HubError("HUB-X-111", f"nothing is known of case {case}", hint="the case number as the routes' lane has it")
    if screen.json:
        told = [deliveries.data(one, known.ahead.get(one.id)) for one in found]
        screen.data({"deliveries": told, **known.story.data("attempts")})
        return
    by_system: dict[str, list[Delivery]] = {}
    for one in found:
        by_system.setdefault(one.system, []).append(one)
    for name, mine in by_system.items():
        _tree(screen, settings, name, mine, known)
    _sum_up(screen, found)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the deliveries of a case: what happened to them, and the held one that a pending one stands behind."""

    story: Story
    ahead: dict[int, Ahead]


def _tree(screen: Terminal, settings: Settings, name: str, mine: list[Delivery], known: _Known) -> None:
    from rich.text import Text
    from rich.tree import Tree

    system = settings.systems.get(name)
    tree = Tree(Text(f"{system.title if system else name} ({name})", style="bold"))
    for one in mine:
        _branch(tree, screen, settings, one, known)
    screen.out.print(tree, soft_wrap=True)


def _branch(tree: Tree, screen: Terminal, settings: Settings, one: Delivery, known: _Known) -> None:
    from rich.text import Text

    zone, first = settings.timezone, known.ahead.get(one.id)
    story = known.story.of(one.id)
    title = next((route.title for route in settings.routes if route.name == one.route), one.route)
    head = Text(f"{looking.when(one.created_at, zone)}  #{one.id} {title}  {one.kind} {one.key}  [{one.operation}]  ")
    head.append(deliveries.state(one, first), style="red" if one.state in FAILED else _STYLES.get(one.state, "dim"))
    branch = tree.add(head)
    for issue in one.issues:
        branch.add(Text(f"{issue['code']} {issue['path']} {issue['title']}: {causes.sentence(issue['message'])}"))
    for line in deliveries.tries(story, settings, everything=screen.verbose > 0):
        branch.add(Text(line))
    if later := _waits(settings, one, first) if first else _later(settings, one, story):
        branch.add(Text(later))


def _waits(settings: Settings, one: Delivery, first: Ahead) -> str:
    return f"{looking.when(one.changed_at, settings.timezone)}  {deliveries.why(settings, one, first)}"


def _later(settings: Settings, one: Delivery, story: Story) -> str:
    """Return what no try and no decision at a gate tells: a verdict that came later, what it waits for, what a person did."""
    at = looking.when(one.changed_at, settings.timezone)
    reason = " ".join(word for word in (one.code, deliveries.why(settings, one)) if word)
    told_by_try = bool(story.tried) and one.state in FAILED and story.tried[-1].code == one.code
    told_by_decision = bool(story.decisions) and one.state in (State.CANCELLED, State.PENDING)
    told_by_issues = bool(one.issues) and one.state is not State.CANCELLED  # why a person gave it up they do not tell
    if not reason or told_by_issues or told_by_try or told_by_decision:
        return ""
    return f"{at}  {words.state(one.state)}  {reason}"


def _sum_up(screen: Terminal, found: list[Delivery]) -> None:
    failed = [one.id for one in found if one.state in FAILED]
    remap = " --remap" if any(one.state in FAILED and one.stage == Stage.MAP for one in found) else ""
    held = [one.id for one in found if one.state is State.HELD]
    if failed:
        numbers = " ".join(str(number) for number in failed)
        look, retry = screen.command(f"hub dead show {failed[0]}"), screen.command(f"hub dead retry {numbers}{remap}")
        mended = say(
            "数据在来源改好会自动再送；改了映射或代码表，才", "mended at the source it comes by itself; for a new mapping "
        )
        when = mended if remap else ""
        screen.note(f"死信：{look}；{when}重试：{retry}", f"dead: {look}; {when}{retry}")
    if held:
        look = screen.command(f"hub hold show {held[0]}")
        screen.note(f"待人工：{look}", f"held: {look}")
