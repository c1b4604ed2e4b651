"""One hub at work on one store: takes the lease, runs the engine, and swaps configurations without losing a message."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Protocol

from sqlalchemy import make_url

from hub.engine.exchange import Exchange, unique_owner
from hub.engine.local import LocalEngine
from hub.engine.metrics import Metrics
from hub.engine.port import Engine
from hub.engine.receive import Account
from hub.errors import ConfigurationError, HubError, LeaseHeld
from hub.model import Push
from hub.settings import Settings
from hub.store import Store, open_store, runs, wishes, workers
from hub.store.lease import Lease
from hub.store.runs import Trigger

log = logging.getLogger(__name__)

#: Seconds a stop waits for what is in flight; the longest time-out of a shipped configuration fits in.
DRAIN_SECONDS = 60.0


class MadeOf(Protocol):
    """Makes the engine of an exchange."""

    def __call__(self, exchange: Exchange, *, scheduled: bool) -> Engine:
        """Return the engine, not yet begun. `scheduled`: it begins runs by itself."""


class Service:
    """A store, an exchange and an engine that belong together. `exchange` is the one in force; it changes at a reload."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        scheduled: bool = True,
        engine: MadeOf = LocalEngine,
        name: str | None = None,
        lease: Lease | None = None,
    ) -> None:
        """`engine` makes the engine of an exchange; `name` is part of what this process is called; `lease` lets it work here."""
        self.store = store
        self.exchange = Exchange(settings, store, owner=unique_owner(name), lease=lease or Lease())
        self._make = partial(engine, scheduled=scheduled)
        self._engine: Engine = self._make(self.exchange)
        self._swapping = threading.Lock()
        self._asking = threading.Lock()  # two wishes with one key at once are one wish, also of two workers

    def start(self) -> None:
        """Begin to work."""
        self._engine.start()

    def ask(self, source: str, trigger: Trigger, by: str, *, full: bool = False, key: str | None = None) -> int:
        """Ask for a run of a source and return its number; it is durable before this returns.

        `key`: the same one asks for the same run. Raises KeyReused HUB-X-116 when it was used for another wish.
        """
        now = self.exchange.clock()
        with self._asking, self.store.alone("ask"), self.store.writing() as connection:
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
        old.successor = settings
        while not engine.stop(DRAIN_SECONDS):  # a call still out would be taken for an interrupted one
            log.warning("a call is still under way, the reload waits for it", extra={"event": "config.waiting"})
        # after the last of the old gauges
        new = Exchange(
            settings, self.store, metrics=old.metrics, clock=old.clock, dice=old.dice,
            owner=old.owner, lease=old.lease, once=old.once,
        )  # fmt: skip
        self.exchange, self._engine = new, self._make(new)
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
        """Return which parts of the engine have ended although nobody stopped them; empty while all is well.

        `lease`: another hub works on the store now.
        """
        return [*(["lease"] if self.exchange.lease.refused else []), *self._engine.ended()]

    @property
    def lost(self) -> LeaseHeld | None:
        """Who works on the store instead of this process, for good; None while it is ours."""
        return self.exchange.lease.lost

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


def serving(settings: Settings, *, scheduled: bool = True) -> AbstractContextManager[Service]:
    """Open the store, take its lease and work until the block ends. Raises LeaseHeld when another hub works on it."""
    return _at_work(settings, lambda store, lease: Service(settings, store, scheduled=scheduled, lease=lease), shared=False)


def working(settings: Settings, name: str | None = None) -> AbstractContextManager[Service]:
    """Work on the store, beside other workers, until the block ends.

    Raises LeaseHeld when a hub works on it that shares with nobody, HubError HUB-E-140 when the store cannot be shared, HUB-E-141
    when what that takes is not installed.
    """
    if make_url(settings.store).get_backend_name() != "postgresql":
        raise HubError("HUB-E-140", "several workers need a store on PostgreSQL", hint="hub serve is the one that works on a file")
    try:
        from hub.engine.cluster import ClusterEngine
    except ModuleNotFoundError as error:
        raise HubError("HUB-E-141", f"{error.name} is not installed", hint="install requirements/run.txt") from error
    made = partial(Service, settings, engine=ClusterEngine, name=name)
    return _at_work(settings, lambda store, lease: made(store, lease=lease), shared=True)


def _demand_no_workers(store: Store) -> None:
    """Refuse to work alone beside workers that beat: one whose lease the server ended, as a restart does, works on all the same."""
    with store.reading() as connection:
        beating = [f"{one.host} pid {one.pid}" for one in workers.may_live(connection)]
    if beating:
        raise LeaseHeld("HUB-T-110", f"another hub works on this store ({', '.join(beating)})")


@contextmanager
def _at_work(settings: Settings, made: Callable[[Store, Lease], Service], *, shared: bool) -> Iterator[Service]:
    with ExitStack() as stack:
        store = open_store(settings.store)
        stack.callback(store.close)
        lease = stack.enter_context(store.lease(shared=shared))
        if not shared:
            _demand_no_workers(store)
        service = made(store, lease)
        stack.callback(service.stop)
        _collect_garbage_seldom()
        service.start()
        yield service
