"""Everything one running hub works with, wired once: settings, store, opened adapters, clock and metrics."""

from __future__ import annotations

import random
import socket
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from hub import __version__
from hub.engine.metrics import Metrics
from hub.engine.once import Once
from hub.engine.settle import Policy
from hub.ports import Adapter, Receiver, Sink, Source
from hub.settings import Settings, SystemSettings
from hub.store import Store, orphans
from hub.store.lease import Lease


def utc_now() -> datetime:
    """Return the time as an aware UTC datetime."""
    return datetime.now(UTC)


def unique_owner(name: str | None = None) -> str:
    """Return a name no other process ever had: the given one or the host's, and a random part."""
    return f"{name or socket.gethostname()}-{uuid.uuid4().hex[:8]}"


def _alone(_: float) -> bool:
    """Nobody shares the work, so nobody takes it over."""
    return True


@dataclass
class Exchange:
    """One hub at work. Adapters are opened on first need and kept until `close`.

    `unbroken` tells whether others who share the work have heard of this process ever since, in ticks. `lease` is its right
    to work here; while that is refused, nothing new is taken. `once` carries out what is wished under a key. `successor` is the
    configuration that is about to take this one's place.
    """

    settings: Settings
    store: Store
    metrics: Metrics = field(default_factory=Metrics)
    clock: Callable[[], datetime] = utc_now
    dice: Callable[[], float] = random.random
    owner: str = field(default_factory=unique_owner)
    unbroken: Callable[[float], bool] = _alone
    lease: Lease = field(default_factory=Lease)
    once: Once = field(default_factory=Once)
    successor: Settings | None = None
    swept: datetime | None = None  # when the chores were last done
    quiet: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)  # from when to when no run of a source falls due
    _adapters: dict[str, Adapter] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _accepting: dict[str, threading.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Publish what this hub is, and every series it will ever have, at zero."""
        settings = self.settings
        self.metrics.begin(
            version=__version__,
            digest=settings.digest[:12],
            sources=[system.name for system in settings.sources()],
            sinks=[system.name for system in self.sinks()],
            systems=settings.systems,
            routes=[route.name for route in settings.routes],
            pushed=[system.name for system in settings.systems.values() if system.pushes],
            expected=[(system.name, kind) for system in settings.sources() for kind in system.expect],
            polled=[system.name for system in settings.systems.values() if system.feedback_every is not None],
        )
        self.metrics.reload_ok.set(1)
        self.metrics.reload_at.set(self.clock().timestamp())

    def adapter(self, system: str) -> Adapter:
        """Return the opened adapter of a system."""
        with self._opening:
            if system not in self._adapters:
                self._adapters[system] = self.settings.systems[system].open()
            return self._adapters[system]

    def source(self, system: str) -> Source:
        """Return a system in its role as source."""
        return cast(Source, self.adapter(system))

    def receiver(self, system: str) -> Receiver:
        """Return a system in its role as one that pushes."""
        return cast(Receiver, self.adapter(system))

    def accepting(self, source: str) -> threading.Lock:
        """Return what is held while records of a source are accepted: it may be read and push at once."""
        return self._accepting.setdefault(source, threading.Lock())

    def sink(self, system: str) -> Sink:
        """Return a system in its role as sink."""
        return cast(Sink, self.adapter(system))

    def sinks(self) -> tuple[SystemSettings, ...]:
        """Return the systems some route delivers to, by name, and those that are still owed something by a route that is gone."""
        wanted = {route.system for route in self.settings.routes}
        others = [name for name, system in self.settings.systems.items() if system.endpoints and name not in wanted]
        if others:
            with self.store.reading() as connection:
                wanted |= {name for name in others if orphans.owed(connection, name)}
        return tuple(system for name, system in sorted(self.settings.systems.items()) if name in wanted)

    def parents(self, system: str) -> frozenset[str]:
        """Return the routes into a system that other routes name as their parent."""
        return frozenset(route.parent.route for route in self.settings.routes if route.parent and route.system == system)

    def policy(self, system: str) -> Policy:
        """Return how a system's deliveries are tried again."""
        settings = self.settings.systems[system]
        given = self.adapter(system).guarantees()
        return Policy(settings.retry, settings.jitter, given.idempotent, given.findable, self.dice, settings.flow.breaker)

    def close(self) -> None:
        """Close all adapters."""
        for adapter in self._adapters.values():
            adapter.close()
        self._adapters.clear()
