"""Decides how commands look into the store beside a running hub, and in which words states and times are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from hub.cli.lang import say
from hub.model import State

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.store import Store

_STATES = {
    State.PENDING: ("待发", "pending"),
    State.SENDING: ("发送中", "sending"),
    State.ACCEPTED: ("对方已收，待结论", "accepted"),
    State.DELIVERED: ("已送达", "delivered"),
    State.CONFIRMED: ("对方已确认", "confirmed"),
    State.REJECTED: ("事后被退回", "rejected"),
    State.HELD: ("待人工", "held"),
    State.PARKED: ("等父记录", "parked"),
    State.DEAD: ("死信", "dead"),
    State.CANCELLED: ("已取消", "cancelled"),
    State.SUPERSEDED: ("被新版本取代", "superseded"),
}


def state(one: State) -> str:
    """Return a state's name for people."""
    return say(*_STATES[one])


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """Open the store without taking its lease: looking, and asking, is allowed beside a hub at work."""
    from hub.store import open_store

    store = open_store(settings.store)
    try:
        yield store
    finally:
        store.close()


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
