"""Runs every route of the example against the neighbours until nothing can move any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from hub.api.server import listening
from hub.demo import account, review
from hub.demo.account import Account
from hub.demo.neighbours import Neighbours
from hub.demo.review import Review
from hub.engine import feedback
from hub.engine.progress import Progress, look
from hub.engine.service import Service, serving
from hub.sandbox.flaws import GroundTruth
from hub.settings import HttpSettings, Settings, load
from hub.store import runs
from hub.store.runs import Trigger

#: Waits between tries in the demo: the same list as in life, in seconds instead of hours.
RETRY = tuple(timedelta(seconds=seconds) for seconds in (0.3, 0.6, 1, 2, 3, 4))
#: Later verdicts are asked for once a round; a poll in between would only cost time.
FEEDBACK = timedelta(hours=1)
#: How often progress is looked at, and how long the whole may take, in seconds.
LOOK_SECONDS, LONGEST_SECONDS = 0.2, 420.0
#: Rounds of reading and delivering until nothing is new: a dispatched case needs four to come back and go up.
MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Result:
    """What the demo ended with."""

    account: Account
    seconds: float
    progress: Progress


def settings_of(directory: Path, environment: Mapping[str, str]) -> Settings:
    """Load the example in `directory` for these neighbours, with the demo's short waits."""
    settings = load(directory, env=environment)
    quick = {
        name: replace(one, retry=RETRY, feedback_every=FEEDBACK if one.feedback_every else None, schedule=None)
        for name, one in settings.systems.items()
    }
    return replace(settings, systems=MappingProxyType(quick))


def run(settings: Settings, neighbours: Neighbours, truth: GroundTruth, seen: Callable[[Progress], None]) -> Result:
    """Run everything, and draw up the account. `seen` is shown each look."""
    began = time.monotonic()
    with serving(settings, scheduled=False) as service, within_reach(service) as address:
        neighbours.meet(address)
        numbers, last = rounds(service, neighbours.work, seen, review.refusing_one)
        drawn = account.draw(service, numbers, neighbours.held(), neighbours.stats(), neighbours.offered(), truth)
    return Result(drawn, time.monotonic() - began, last)


@contextmanager
def within_reach(service: Service) -> Iterator[str]:
    """Let the far sides that push reach the hub until the block ends; gives the address."""
    http = HttpSettings()
    with listening(service, lambda: service.exchange.settings, http, port=0) as server:
        yield f"http://{server.host}:{server.port}"


def rounds(
    service: Service, work: Callable[[], int], seen: Callable[[Progress], None], reviewed: Review = review.approving
) -> tuple[list[int], Progress]:
    """Read every source and deliver, until nothing is new; in between the far sides' people do their `work`.

    What waits for an approval is `reviewed` as it comes. Returns the numbers of the runs, and the last look.
    """
    began, numbers = time.monotonic(), list[int]()
    for _ in range(MOST_ROUNDS):
        number = len(numbers)
        numbers += [service.ask(source.name, Trigger.CLI, "demo") for source in service.exchange.settings.readable()]
        last = _until_settled(service, numbers[number:], seen, began)
        if reviewed(service):
            last = _until_settled(service, numbers[number:], seen, began)
        moved = work() + _verdicts(service)
        if not moved and not _accepted(service, numbers[number:]):
            break
    return numbers, last


def _verdicts(service: Service) -> int:
    """Ask every system that has later verdicts; return how many deliveries they moved."""
    asked = [system.name for system in service.exchange.settings.systems.values() if system.feedback_every]
    return sum(feedback.poll(service.exchange, name) for name in asked)


def _accepted(service: Service, numbers: list[int]) -> int:
    with service.store.reading() as connection:
        return sum(run.accepted for number in numbers if (run := runs.get(connection, number)))


def _until_settled(service: Service, numbers: list[int], seen: Callable[[Progress], None], began: float) -> Progress:
    while True:
        progress = look(service.exchange, numbers)
        seen(progress)
        settled = progress.quiet and progress.next_due is None
        if settled or time.monotonic() - began > LONGEST_SECONDS:
            return progress
        time.sleep(LOOK_SECONDS)
