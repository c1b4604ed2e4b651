"""Runs the sandbox in a process of its own, as far sides are: what the hub knows of them comes over the wire only."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hub.errors import HubError
from hub.sandbox.faults import SOME, FaultKind
from hub.sandbox.flaws import GroundTruth
from hub.sandbox.ledger import Held
from hub.sandbox.street import FAR_SIDES, Plan, Ports, Sandbox

#: Seconds the far sides may take to answer a question about themselves.
ANSWER_SECONDS = 120.0
#: Seconds a far side that has taken a message keeps the line open without a word: a read time-out in short.
HANG_SECONDS = 1.0
#: Most messages answered so; each costs the demo a second of one line.
MOST_HANGING = 6


@dataclass
class Neighbours:
    """The sandbox in a child process, asked over a pipe."""

    plan: Plan
    _process: Any = None
    _pipe: Connection | None = None

    def start(self, progress: Callable[[int], None]) -> GroundTruth:
        """Build the county and open the twins; returns what was really put into the local database."""
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_live, args=(self.plan, theirs), name="sandbox", daemon=True)
        self._process.start()
        theirs.close()
        while True:
            word, value = self._receive()
            if word == "ready":
                truth: GroundTruth = value
                return truth
            progress(value)

    def environment(self) -> dict[str, str]:
        """Return the variables by which the shipped configuration finds these far sides."""
        found: dict[str, str] = self._ask("environment")
        return found

    def held(self) -> dict[str, list[Held]]:
        """Return what each far side really holds."""
        found: dict[str, list[Held]] = self._ask("held")
        return found

    def stats(self) -> dict[str, Mapping[str, Any]]:
        """Return what each far side counted."""
        found: dict[str, Mapping[str, Any]] = self._ask("stats")
        return found

    def offered(self) -> dict[str, list[tuple[str, str]]]:
        """Return (kind, key) of what each far side has to be read."""
        found: dict[str, list[tuple[str, str]]] = self._ask("offered")
        return found

    def work(self) -> int:
        """Let the people of every far side work once: judge, carry on, hand down; returns how many rows that concerned."""
        moved: int = self._ask("work")
        return moved

    def meet(self, hub: str) -> None:
        """Tell every far side at which address the hub listens."""
        self._ask(("meet", hub))

    def stop(self) -> None:
        """End the child process; may be called twice."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.join(10)
            if self._process.is_alive():
                self._process.terminate()
                self._process.join(10)
            self._process = None

    def _ask(self, word: str | tuple[str, str]) -> Any:
        assert self._pipe is not None, "not started"
        self._pipe.send(word)
        return self._receive()[1]

    def _receive(self) -> tuple[str, Any]:
        assert self._pipe is not None
        try:
            if not self._pipe.poll(ANSWER_SECONDS):
                raise HubError("HUB-X-130", "the sandbox does not answer")
            word, value = self._pipe.recv()
        except EOFError:
            raise HubError("HUB-X-130", "the sandbox ended unexpectedly") from None
        if word == "error":
            raise HubError("HUB-X-130", f"the sandbox could not start: {value}")
        return word, value


def plan(directory: Path, *, cases: int, seed: int, faults: bool) -> Plan:
    """Return the demo's sandbox: any free ports, and some of every fault that a later try mends."""
    chances = {**SOME, FaultKind.TIMEOUT_AFTER: 0.0015, FaultKind.SOAP_FAULT: 0.002, FaultKind.HTML_200: 0.001}
    often = {kind: chance * 4 for kind, chance in chances.items()}  # what is sent little meets its share of faults all the same
    wanted = {far.name: chances if far.name == "gateway" else often for far in FAR_SIDES} if faults else {}
    level = "some" if faults else "none"
    return Plan(directory, cases=cases, seed=seed, faults=level, chances=wanted, ports=Ports.free(), alive=None)


def _live(plan: Plan, pipe: Connection) -> None:
    """Be the far sides until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the hub, which then closes the pipe
    street = Sandbox(plan)
    try:
        _gentle(street)
        street.start(lambda made: pipe.send(("made", made)))
    except Exception as error:
        pipe.send(("error", f"{type(error).__name__}: {error}"))
        return
    try:
        pipe.send(("ready", street.truth))
        while True:
            word, *rest = asked if isinstance(asked := pipe.recv(), tuple) else (asked,)
            pipe.send((word, _answers(street)[word](*rest)))
    except (EOFError, OSError):
        return
    finally:
        street.stop()


def _gentle(street: Sandbox) -> None:
    for twin in street.twins.values():
        twin.plan.hang = HANG_SECONDS
        twin.plan.change(limits={FaultKind.TIMEOUT_AFTER: MOST_HANGING})


def _answers(street: Sandbox) -> dict[str, Callable[..., Any]]:
    return {
        "environment": street.environment,
        "held": lambda: {name: twin.held() for name, twin in street.twins.items()},
        "stats": lambda: {name: twin.stats() for name, twin in street.twins.items()},
        "offered": lambda: {name: twin.offered() for name, twin in street.twins.items()},
        "work": street.work,
        "meet": street.meet,
    }
