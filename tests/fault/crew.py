"""Several real `hub worker` processes on one PostgreSQL store, a lane-keeping far side, and what the store tells of them."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from hub.engine.exchange import utc_now
from hub.model import State
from hub.settings import load
from hub.store import Store, open_store, runs, schema, workers
from hub.store.runs import Trigger
from hub.store.workers import Worker
from tests import configs
from tests.commands import DEADLINE, Directory, until

CITY = """
version: 1
system: city
title: 市平台
adapter: tests.fault.appending:{adapter}
partitions: {partitions}
{lines}
jitter: 0
retry: [1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s]
options: {{endpoints: [accept, process], file: arrived.txt, pause: {pause}}}
"""


@dataclass
class Crew:
    """A directory with the small configuration, its store, and the workers a test has started."""

    directory: Directory
    store: Store
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, *, name: str | None = None, directory: Directory | None = None, fate: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a worker and wait until the others can see it; the crew ends it if the test does not."""
        process = self.launch(name=name, directory=directory, fate=fate)
        until(lambda: process.poll() is not None or process.pid in {one.pid for one in self.workers()}, "the worker is seen")
        assert process.poll() is None, ((directory or self.directory).path / "hub.log").read_text("utf-8")[-3000:]
        return process

    def launch(
        self, *, name: str | None = None, directory: Directory | None = None, fate: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a worker, whatever becomes of it."""
        called = ("--name", name) if name else ()
        process = (directory or self.directory).start("--log-format", "json", "worker", "--no-http", *called, fate=fate)
        self.started.append(process)
        return process

    def listen(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        """Start a worker that answers HTTP; return it and its address."""
        before = len(self.told("http.listening"))
        process = self.directory.start("--log-format", "json", "worker", "--port", "0", *words)
        self.started.append(process)
        until(lambda: len(self.told("http.listening")) > before, "it listens")
        return process, f"http://127.0.0.1:{self.told('http.listening')[-1]['port']}"

    def ask(self) -> int:
        """Ask for a run of the source."""
        with self.store.writing() as connection:
            return runs.ask(connection, "local", Trigger.CLI, "test", utc_now())

    def workers(self) -> list[Worker]:
        """Return the workers that beat."""
        with self.store.reading() as connection:
            return workers.living(connection)

    def holders(self) -> dict[str, set[int]]:
        """Return which process is at which partition of deliveries."""
        found: dict[str, set[int]] = {}
        for one in self.workers():
            for name in one.holds:
                if name.startswith("deliver:"):
                    found.setdefault(name, set()).add(one.pid)
        return found

    def at_work(self) -> set[int]:
        """Return the processes that are at some partition of deliveries."""
        return {pid for pids in self.holders().values() for pid in pids}

    def states(self) -> Counter[State]:
        """Return how many deliveries are in each state."""
        ours = schema.delivery
        with self.store.reading() as connection:
            rows = connection.execute(select(ours.c.state, func.count()).group_by(ours.c.state)).all()
        return Counter({State(state): count for state, count in rows})

    def rows(self) -> set[tuple[object, ...]]:
        """Return all deliveries as the store has them."""
        ours = schema.delivery.c
        with self.store.reading() as connection:
            return {
                tuple(row)
                for row in connection.execute(select(ours.id, ours.state, ours.attempts, ours.changed_at, ours.window_id))
            }

    def delivered(self, count: int) -> bool:
        """Tell whether at least so many deliveries have been taken."""
        return self.states()[State.DELIVERED] >= count

    def arrived(self) -> list[str]:
        """Return the keys that arrived over there, in their order, as often as they did."""
        file = self.directory.path / "arrived.txt"
        return file.read_text("utf-8").split() if file.exists() else []

    def log(self) -> str:
        """Return what all of them have logged."""
        file = self.directory.path / "hub.log"
        return file.read_text("utf-8") if file.exists() else ""

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return what they have logged of that event."""
        lines = (json.loads(line) for line in self.log().splitlines() if line.endswith("}"))
        return [line for line in lines if line["event"] == event]

    def end(self, process: subprocess.Popen[str]) -> int:
        """Stop one as a service does and return its exit code."""
        process.terminate()
        process.communicate(timeout=DEADLINE)
        return process.returncode

    def dismiss(self) -> None:
        """End whoever is left, frozen or not."""
        for process in self.started:
            process.kill()
            process.communicate(timeout=DEADLINE)


@contextmanager
def crew(
    path: Path,
    url: str,
    *,
    cases: int,
    partitions: int = 8,
    pause: float = 0.01,
    adapter: str = "AppendingAdapter",
    lines: str = "",
) -> Iterator[Crew]:
    """Yield a crew without workers, whose source has so many cases, each with a step that must come after it.

    `lines`: further lines of the file of the system that takes them.
    """
    city = CITY.format(adapter=adapter, partitions=partitions, pause=pause, lines=lines)
    hub = configs.HUB.rstrip(" ") + f"    store: {url}\n"
    configs.write(path, {"config/hub.yaml": hub, "config/systems/city.yaml": city}, records(cases))
    store = open_store(load(path, env={}).store)
    made = Crew(Directory(path), store)
    try:
        yield made
    finally:
        made.dismiss()
        store.close()


def records(cases: int) -> list[dict[str, Any]]:
    """Return so many cases, each with a step that must come after it."""
    return [
        record
        for number in range(cases)
        for record in (
            {"kind": "case", "key": f"A{number}", "data": {"BJBH": f"A{number}", "SQRMC": "甲某某"}},
            {"kind": "step", "key": f"A{number}-1", "data": {"BJBH": f"A{number}", "ZT": "1"}},
        )
    ]


def in_order(arrived: list[str]) -> bool:
    """Tell whether each step came after its case."""
    place = {key: number for number, key in reversed(list(enumerate(arrived)))}
    return all(place.get(key.removesuffix("-1"), len(arrived)) < number for key, number in place.items() if key.endswith("-1"))


def stopped(pid: int) -> bool:
    """Tell whether a process is frozen."""
    return "T" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
