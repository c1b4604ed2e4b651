"""Decides how commands look into the store beside a running hub: without its lease, by known names, in the hub's zone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import typer

from hub.cli.lang import say
from hub.errors import HubError

if TYPE_CHECKING:
    from rich.table import Table

    from hub.settings import Settings
    from hub.store import Store


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """Open the store without taking its lease: looking, and asking, is allowed beside a hub at work."""
    from hub.store import open_store

    store = open_store(settings.store)
    try:
        yield store
    finally:
        store.close()


def known_system(settings: Settings, name: str | None) -> None:
    """Refuse a system that is not configured, with a suggestion."""
    from hub.documents import suggest

    if name is not None and name not in settings.systems:
        hint = suggest(name, settings.systems) or f"systems: {', '.join(sorted(settings.systems))}"
        raise HubError("HUB-X-102", f"there is no system {name!r}", hint=hint)


def known_source(settings: Settings, name: str | None) -> None:
    """Refuse a source that is not configured, with a suggestion."""
    from hub.documents import suggest

    names = [system.name for system in settings.sources()]
    if name is not None and name not in names:
        raise HubError("HUB-X-102", f"there is no source {name!r}", hint=suggest(name, names) or f"sources: {', '.join(names)}")


def agreed(zh: str, en: str) -> bool:
    """Ask on stderr. Raises HubError HUB-X-121 where nobody can answer."""
    if not sys.stdin or sys.stdin.closed:
        raise HubError("HUB-X-121", "nobody is there to be asked", hint="add --yes")
    try:
        return typer.confirm(say(zh, en), err=True)
    except typer.Abort:  # end of input: a script, not a person
        raise HubError("HUB-X-121", "nobody is there to be asked", hint="add --yes") from None


def table(*columns: tuple[str, str] | tuple[str, str, str], title: str | None = None) -> Table:
    """Return a table with these (Chinese, English) columns; a third word is `right` (numbers) or `whole` (never folded)."""
    from rich.table import Table

    drawn = Table(title=title, title_justify="left")
    for zh, en, *how in columns:
        drawn.add_column(say(zh, en), justify="right" if "right" in how else "left", overflow="fold", no_wrap=bool(how))
    return drawn


def when(at: datetime | None, zone: tzinfo) -> str:
    """Return a time for people, in the hub's zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else ""


def since(at: datetime, now: datetime) -> str:
    """Return how long ago, in the largest unit that says something."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, zh, en in ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分", "min")):
        if seconds >= size:
            return say(f"{seconds // size} {zh}", f"{seconds // size} {en}")
    return say(f"{seconds} 秒", f"{seconds} s")
