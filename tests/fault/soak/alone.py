"""One `hub serve` on SQLite: killed, frozen, reloaded, ended, and started again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from tests.commands import DEADLINE, Directory, until
from tests.fault.murder import Murder
from tests.fault.soak.watch import Watch


@dataclass
class Alone:
    """The process there is at the moment."""

    directory: Directory
    murder: Murder
    rng: Random
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it works: a signal that came before it listens to any would end it."""
        before = self.murder.taken()
        self.process = self.directory.start("serve", "--no-http")
        until(lambda: self.murder.taken() > before, "it works")

    def faults(self) -> Sequence[Callable[[], None]]:
        return [self.kill, self.freeze, self.reload, self.restart]

    def kill(self) -> None:
        self._at_work.send_signal(signal.SIGKILL)
        self._at_work.communicate(timeout=DEADLINE)
        self.start()

    def restart(self) -> None:
        self.end()
        self.start()

    def freeze(self) -> None:
        self._at_work.send_signal(signal.SIGSTOP)
        time.sleep(self.rng.uniform(0.5, 2))  # the fault itself
        self._at_work.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        self._at_work.send_signal(signal.SIGHUP)

    def look(self, watch: Watch) -> None:
        watch.look("hub serve", self._at_work.pid)

    def end(self) -> None:
        self._at_work.terminate()
        self._at_work.communicate(timeout=DEADLINE)
        assert self._at_work.returncode == 143, "it did not end as it should"

    @property
    def _at_work(self) -> subprocess.Popen[str]:
        assert self.process is not None
        return self.process


@contextmanager
def alone(directory: Directory, murder: Murder, rng: Random) -> Iterator[Alone]:
    """Yield a hub that is not started yet, and leave nothing of it behind."""
    made = Alone(directory, murder, rng)
    try:
        yield made
    finally:
        if made.process is not None:
            made.process.kill()
            made.process.communicate()
