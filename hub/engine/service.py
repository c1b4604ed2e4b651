"""One hub at work on one store: takes the lease, runs the engine, and swaps configurations without losing a message."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from hub.engine.exchange import Exchange
from hub.engine.local import LocalEngine
from hub.engine.metrics import Metrics
from hub.engine.port import Engine
from hub.engine.receive import Account
from hub.errors import ConfigurationError
from hub.model import Push
from hub.settings import Settings
from hub.store import Store, open_store, runs, wishes
from hub.store.runs import Trigger

log = logging.getLogger(__name__)

#: Seconds a stop waits for what is in flight; the longest time-out of a shipped configuration fits in.
DRAIN_SECONDS = 60.0


class Service:
    """A store, an exchange and an engine that belong together. `exchange` is the one in force; it changes at a reload."""

    def __init__(self, settings: Settings, store: Store, *, scheduled: bool = True) -> None:
        self.store = store
        self.exchange = Exchange(settings, store)
        self._scheduled = scheduled
        self._engine: Engine = LocalEngine(self.exchange, scheduled=scheduled)
        self._swapping = threading.Lock()
        self._asking = threading.Lock()  # two wishes with one key at once are one wish

    def start(self) -> None:
        """Begin to work."""
        self._engine.start()

    def ask(self, source: str, trigger: Trigger, by: str, *, full: bool = False, key: str | None = None) -> int:
        """Ask for a run of a source and return its number; it is durable before this returns.

        `key`: the same one asks for the same run. Raises KeyReused HUB-X-116 when it was used for another wish.
        """
        now = self.exchange.clock()
        with self._asking, self.store.writing() as connection:
            if key is None:
                number = runs.ask(connection, source, trigger, by, now, full=full)
            else:
                number = wishes.ask_once(connection, key, source, trigger, by, now, full=full)
        self._engine.wake(source)
        return number

    def receive(self, system: str, kind: str, push: Push) -> Account:
        """Accept what a system pushes; durable when this returns. Raises PushRefused, Closing, Fenced."""
        return self._engine.receive(system, kind, push)

    def wake(self, *systems: str) -> None:
        """Tell that something may be due for these systems."""
        self._engine.wake(*systems)

    def reload(self, load: Callable[[], Settings]) -> list[str]:
        """Take a new configuration over: check all, build, swap, drain. Bad files keep the old one in force.

        Returns the names of the systems now configured. Raises ConfigurationError when the files are bad.
        """
        with self._swapping:
            try:
                settings = load()
            except ConfigurationError:
                self.exchange.metrics.reload_ok.set(0)
                raise
            _warn_of_what_stays(self.exchange.settings, settings)
            self._swap(settings)
            log.info("configuration %s is in force", settings.digest[:12], extra={"event": "config.reloaded"})
            return sorted(settings.systems)

    def _swap(self, settings: Settings) -> None:
        old, engine = self.exchange, self._engine
        while not engine.stop(DRAIN_SECONDS):  # a call still out would be taken for an interrupted one
            log.warning("a call is still under way, the reload waits for it", extra={"event": "config.waiting"})
        new = Exchange(
            settings, self.store, metrics=old.metrics, clock=old.clock, dice=old.dice
        )  # after the last of the old gauges
        self.exchange, self._engine = new, LocalEngine(new, scheduled=self._scheduled)
        try:
            self._engine.start()
        finally:
            old.close()

    def stop(self, within: float = DRAIN_SECONDS) -> bool:
        """Finish what is in flight and end; False when something was still at it."""
        with self._swapping:
            clean = self._engine.stop(within)
            self.exchange.close()
        return clean

    def ended(self) -> list[str]:
        """Return which parts of the engine have ended although nobody stopped them; empty while all is well."""
        return self._engine.ended()

    @property
    def metrics(self) -> Metrics:
        """The series of this service; they outlive reloads."""
        return self.exchange.metrics


def _collect_garbage_seldom() -> None:
    """Let the garbage collector look less often: records form no cycles, and looking costs a tenth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _warn_of_what_stays(old: Settings, new: Settings) -> None:
    """The store and the socket were opened at the start: say so, instead of letting a change be believed in force."""
    for name in ("store", "http"):
        if getattr(old, name) != getattr(new, name):
            log.warning("%s in hub.yaml changed: restart to use it", name, extra={"event": "config.restart_needed", "part": name})


@contextmanager
def serving(settings: Settings, *, scheduled: bool = True) -> Iterator[Service]:
    """Open the store, take its lease and work until the block ends. Raises LeaseHeld when another hub works on it."""
    with ExitStack() as stack:
        store = open_store(settings.store)
        stack.callback(store.close)
        stack.enter_context(store.lease())
        service = Service(settings, store, scheduled=scheduled)
        stack.callback(service.stop)
        _collect_garbage_seldom()
        service.start()
        yield service
