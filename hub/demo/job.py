"""Runs every route of the example against the neighbours until nothing can move any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from hub.demo import account
from hub.demo.account import Account
from hub.demo.neighbours import Neighbours
from hub.engine import feedback
from hub.engine.progress import Progress, look
from hub.engine.service import Service, serving
from hub.sandbox.flaws import GroundTruth
from hub.settings import Settings, load
from hub.store.runs import Trigger

#: Waits between tries in the demo: the same list as in life, in seconds instead of hours.
RETRY = tuple(timedelta(seconds=seconds) for seconds in (0.3, 0.6, 1, 2, 3, 4))
FEEDBACK = timedelta(seconds=1)
#: How often progress is looked at, and how long the whole may take, in seconds.
LOOK_SECONDS, LONGEST_SECONDS = 0.2, 240.0


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
    """Run all sources, wait for retries and late verdicts, and draw up the account. `seen` is shown each look."""
    began = time.monotonic()
    with serving(settings, scheduled=False) as service:
        numbers = [service.ask(source.name, Trigger.CLI, "demo") for source in settings.sources()]
        last = _until_settled(service, numbers, seen, began)
        neighbours.judge()
        for system in settings.systems.values():
            if system.feedback_every:
                feedback.poll(service.exchange, system.name)
        drawn = account.draw(service, numbers, neighbours.held(), neighbours.stats(), truth)
    return Result(drawn, time.monotonic() - began, last)


def _until_settled(service: Service, numbers: list[int], seen: Callable[[Progress], None], began: float) -> Progress:
    while True:
        progress = look(service.exchange, numbers)
        seen(progress)
        settled = progress.quiet and progress.next_due is None
        if settled or time.monotonic() - began > LONGEST_SECONDS:
            return progress
        time.sleep(LOOK_SECONDS)
