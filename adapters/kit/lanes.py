"""Decides what happens to the rest of a lane when one of its messages was not taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.errors import QUEUED, Deferred, Failure, Misconfigured, Rejected
from hub.model import Message, Receipt
from hub.ports import Outcome

#: Outcomes after which nothing else of this call can get through either: nobody answers, or the set-up is wrong.
_UNREACHABLE = frozenset({"HUB-D-101", "HUB-D-102"})


def behind() -> Deferred:
    """Return the outcome of a message that was not sent because an earlier one of its lane was not taken."""
    return Deferred(QUEUED, "waits for an earlier message of its lane", until=None)


def each_in_lane_order(messages: Sequence[Message], send_one: Callable[[Message], Receipt]) -> list[Outcome]:
    """Send one by one, in order; after a lane's first failure its later messages are not sent but `Deferred(until=None)`.

    `send_one` returns a receipt or raises a Failure; anything else escapes (it is a bug). When the far side cannot be reached or is
    misconfigured, messages of other lanes are not tried either and share that failure.
    """
    outcomes: list[Outcome] = []
    stopped: set[str] = set()
    halted: Failure | None = None
    for message in messages:
        outcome = behind() if message.lane in stopped else halted or _attempt(message, send_one)
        outcomes.append(outcome)
        if isinstance(outcome, Failure):
            stopped.add(message.lane)
            halted = halted or (outcome if _halts(outcome) else None)
    return outcomes


def batches_in_lane_order(
    messages: Sequence[Message],
    group: Callable[[Message], tuple[object, int]],
    send_batch: Callable[[Sequence[Message]], Sequence[Outcome]],
) -> list[Outcome]:
    """Send in batches that never hold two messages of one lane, so that a refusal can still stop what follows it.

    `group` gives what messages must share to travel together (an endpoint, say) and how many may. `send_batch` returns one outcome
    per message or raises a Failure that holds for all of them. After a raised Rejected (nothing was taken) the batch goes out again
    in halves, down to single messages; where the batch is the whole call it is raised on, for the hub to do the same and count it.
    """
    outcomes: dict[int, Outcome] = {}
    stopped: set[str] = set()
    halted: Failure | None = None
    rest = list(range(len(messages)))
    while rest:
        batch, rest = _next_batch(messages, rest, group)
        open_ = [at for at in batch if messages[at].lane not in stopped]
        outcomes.update({at: behind() for at in batch if messages[at].lane in stopped})
        if len(open_) == len(messages) > 1:
            return _whole(messages, send_batch)
        results = _sent([messages[at] for at in open_], send_batch) if halted is None else [halted] * len(open_)
        outcomes.update(zip(open_, results, strict=True))
        stopped.update(messages[at].lane for at, result in zip(open_, results, strict=True) if isinstance(result, Failure))
        halted = halted or next((result for result in results if isinstance(result, Failure) and _halts(result)), None)
    return [outcomes[at] for at in range(len(messages))]


def _next_batch(
    messages: Sequence[Message], rest: list[int], group: Callable[[Message], tuple[object, int]]
) -> tuple[list[int], list[int]]:
    """Split off the first message and those that may travel with it, leaving the others in order."""
    kind, most = group(messages[rest[0]])
    lanes: set[str] = set()
    batch: list[int] = []
    later: list[int] = []
    for at in rest:
        message = messages[at]
        fits = len(batch) < most and message.lane not in lanes and group(message)[0] == kind
        lanes.add(message.lane)
        (batch if fits else later).append(at)
    return batch, later


def _whole(messages: Sequence[Message], send_batch: Callable[[Sequence[Message]], Sequence[Outcome]]) -> list[Outcome]:
    try:
        return list(send_batch(messages))
    except Rejected:
        raise
    except Failure as failure:
        return [failure] * len(messages)


def _sent(batch: Sequence[Message], send_batch: Callable[[Sequence[Message]], Sequence[Outcome]]) -> Sequence[Outcome]:
    if not batch:
        return []
    try:
        return send_batch(batch)
    except Rejected as refusal:
        if len(batch) == 1:
            return [refusal]
    except Failure as failure:
        return [failure] * len(batch)
    # One record is refused and nobody says which: by halves the guilty is found, and the others are not refused with it.
    middle = len(batch) // 2
    return [*_sent(batch[:middle], send_batch), *_sent(batch[middle:], send_batch)]


def _attempt(message: Message, send_one: Callable[[Message], Receipt]) -> Outcome:
    try:
        return send_one(message)
    except Failure as failure:
        return failure


def _halts(failure: Failure) -> bool:
    return isinstance(failure, Misconfigured) or failure.code in _UNREACHABLE
