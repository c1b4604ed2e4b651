"""Decides what happens to the rest of a lane when one of its messages was not taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.errors import Deferred, Failure, Misconfigured
from hub.model import Message, Receipt
from hub.ports import Outcome

BEHIND = "HUB-D-140"


def behind(message: Message) -> Deferred:
    """Return the outcome of a message that was not sent because an earlier one of its lane was not taken."""
    return Deferred(BEHIND, f"waits for an earlier message of lane {message.lane}", until=None)


def each_in_lane_order(messages: Sequence[Message], send_one: Callable[[Message], Receipt]) -> list[Outcome]:
    """Send one by one, in order; after a lane's first failure its later messages are not sent but `Deferred(until=None)`.

    `send_one` returns a receipt or raises a Failure. A Misconfigured stops the whole call: every later message is deferred too,
    because it would fail alike. Any other exception escapes, as it must (it is a bug).
    """
    outcomes: list[Outcome] = []
    stopped: set[str] = set()
    halted = False
    for message in messages:
        if halted or message.lane in stopped:
            outcomes.append(behind(message))
            continue
        outcome = attempt(message, send_one)
        outcomes.append(outcome)
        if isinstance(outcome, Failure):
            stopped.add(message.lane)
            halted = isinstance(outcome, Misconfigured)
    return outcomes


def attempt(message: Message, send_one: Callable[[Message], Receipt]) -> Outcome:
    """Return what `send_one` returns, or the Failure it raises."""
    try:
        return send_one(message)
    except Failure as failure:
        return failure
