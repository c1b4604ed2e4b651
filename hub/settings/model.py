"""Decides what a valid configuration is once read: plain frozen values the engine, the store and the screens work from."""

from __future__ import annotations

import collections.abc as abc
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from hub.model import Finding
from hub.ports import Adapter, Options
from hub.settings import promise
from hub.settings.flow import FlowSettings

if TYPE_CHECKING:
    from hub.mapping import Contract, Mapping, MappingSet

#: Waits between tries of one delivery when the system names none; after the last it is dead.
DEFAULT_RETRY = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
DEFAULT_JITTER = 0.2
DEFAULT_PORT = 8621


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the hub listens. `token` guards everything but the health pages; demanded for any address but loopback."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """When a source is read by itself, in the hub's timezone.

    `overlap`: a due run while the last one still works is skipped or queued. `misfire`: due times missed while the hub was down are
    made up for once, or skipped. `jitter`: up to so much later, chosen per due time.
    """

    cron: str
    overlap: Literal["skip", "queue"] = "skip"
    misfire: Literal["once", "skip"] = "once"
    jitter: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class ParentSettings:
    """What a delivery must wait for: the delivery of `route` (same system) whose record key stands in this record at path `key`."""

    route: str
    key: str


@dataclass(frozen=True, slots=True)
class ExpectSettings:
    """How many rows a feed must give in each day, working day or week; fewer are a finding."""

    at_least: int
    per: Literal["day", "workday", "week"]


@dataclass(frozen=True, slots=True)
class DeletesSettings:
    """How many deletions a target is told within a day before somebody confirms: `always` so many, else a share of what it has."""

    at_most: float
    always: int
    approver: str


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """One configured far side: its adapter class, the validated options, and the policy the hub applies to it.

    `batch` caps the adapter's guarantee, None: the guarantee itself. `in_flight` is the most calls at once over all partitions and
    workers, None: as many as the adapter takes for each partition. `schemas` is kind -> source schema.
    """

    name: str
    title: str
    adapter: str
    adapter_class: type[Adapter]
    options: Options
    batch: int | None = None
    in_flight: int | None = None
    partitions: int = 1
    retry: tuple[timedelta, ...] = DEFAULT_RETRY
    jitter: float = DEFAULT_JITTER
    schedule: ScheduleSettings | None = None
    schemas: abc.Mapping[str, Contract] = field(default_factory=dict)
    feedback_every: timedelta | None = None
    contact: str = ""
    flow: FlowSettings = field(default_factory=FlowSettings)
    kinds: frozenset[str] = frozenset()  # what it gives as a source; empty: no source
    endpoints: frozenset[str] = frozenset()  # what it takes as a sink; empty: no sink
    reads: bool = True  # a run can read it; False: it only pushes
    pushes: bool = False  # it hands records over by itself
    expect: abc.Mapping[str, ExpectSettings] = field(default_factory=dict)  # kind -> how much it must give

    def open(self) -> Adapter:
        """Return a fresh adapter for this system; it opens nothing before its first use. The caller closes it."""
        return self.adapter_class(self.options, system=self.name)

    def open_for(self, kind: str) -> Adapter:
        """Return an adapter that reads records of this kind only, if its options list what it reads under `feeds` by kind."""
        feeds = getattr(self.options, "feeds", None)
        if not isinstance(feeds, abc.Mapping) or kind not in feeds:
            return self.open()
        return self.adapter_class(self.options.model_copy(update={"feeds": {kind: feeds[kind]}}), system=self.name)


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """Which records of a source are owed to which endpoint, mapped how, in which order.

    `source` and `kind` say which records, `when` (over the record's data) which of them. `lane_of` and `parent_key_of` read the
    order key and the parent's record key out of a record's data; None: there is none. `deletes`: a record the source deletes is
    deleted over there too, if it is there. `gate`: who must approve every delivery before it leaves. `promised_of` reads the moment
    (aware) out of a record's data that the case was promised for, where the route names a `deadline`.
    """

    name: str
    title: str
    source: str
    kind: str
    when: abc.Callable[[abc.Mapping[str, Any]], bool]
    mapping: Mapping
    system: str
    endpoint: str
    lane: str
    lane_of: abc.Callable[[abc.Mapping[str, Any]], str | None]
    parent_key_of: abc.Callable[[abc.Mapping[str, Any]], str | None]
    parent: ParentSettings | None = None
    row: str | None = None
    gate: str | None = None
    deletes: DeletesSettings | None = None
    deadline: str | None = None
    promised_of: abc.Callable[[abc.Mapping[str, Any]], datetime | None] = field(default=promise.nothing, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """A group of kinds of records (库); `kinds` are (source, kind)."""

    name: str
    title: str
    kinds: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """A group of systems (平台)."""

    name: str
    title: str
    systems: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class PartSettings:
    """What one kind of record of a source means to the quality report: which field is which, which codes mean what.

    `paths`: field of the vocabulary -> path in the record; a field the county does not have is absent.
    """

    source: str
    part: str
    kind: str
    paths: abc.Mapping[str, str]
    codes: abc.Mapping[str, frozenset[str]] = field(default_factory=dict)
    fillers: tuple[str, ...] = ()
    pairs: abc.Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TermsSettings:
    """From where on the quality report tells something; see config/quality.yaml."""

    idle: int = 5  # working days
    near: float = 0.8
    read: timedelta = timedelta(days=1)
    sent: timedelta = timedelta(days=1)
    praise: int = 20
    backlog: int = 500
    oldest: timedelta = timedelta(days=1)
    fillers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """What the quality report reads in the county's records."""

    parts: tuple[PartSettings, ...]
    terms: TermsSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration, checked. `digest` changes when any file of config/ or mappings/ does; it holds no secret."""

    name: str
    title: str
    division: str
    timezone: ZoneInfo
    store: str = field(repr=False)  # may hold a password
    http: HttpSettings
    systems: abc.Mapping[str, SystemSettings]
    routes: tuple[RouteSettings, ...]
    mappings: MappingSet
    directory: Path
    digest: str
    warnings: tuple[Finding, ...] = ()
    datasets: tuple[DatasetSettings, ...] = ()
    platforms: tuple[PlatformSettings, ...] = ()
    quality: QualitySettings | None = None
    urgent: frozenset[str] = field(init=False)  # systems whose backlog drains by what was promised
    _routes: abc.Mapping[tuple[str, str], tuple[RouteSettings, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the routes by what they carry, for the engine asks for every record: parents before what hangs on them."""
        depths = _depths(self.routes)
        ordered = sorted(self.routes, key=lambda route: depths[route.name])
        names = dict.fromkeys((route.source, route.kind) for route in self.routes)
        found = {name: tuple(route for route in ordered if (route.source, route.kind) == name) for name in names}
        object.__setattr__(self, "_routes", found)
        object.__setattr__(self, "urgent", frozenset(route.system for route in self.routes if route.deadline))

    def sources(self) -> tuple[SystemSettings, ...]:
        """Return the systems that give records, read or pushed, in the order of their names."""
        return tuple(system for _, system in sorted(self.systems.items()) if system.kinds)

    def platform_of(self, system: str) -> PlatformSettings | None:
        """Return the platform a system belongs to; None: to none."""
        return next((one for one in self.platforms if system in one.systems), None)

    def readable(self) -> tuple[SystemSettings, ...]:
        """Return the sources a run can read: all but those that only push."""
        return tuple(system for system in self.sources() if system.reads)

    def routes_for(self, system: str, kind: str) -> tuple[RouteSettings, ...]:
        """Return the routes that records of this source and kind may take: parents first, else in the order of the files."""
        return self._routes.get((system, kind), ())


def _depths(routes: abc.Iterable[RouteSettings]) -> dict[str, int]:
    """Return how many parents stand above each route."""
    parents = {route.name: route.parent.route if route.parent else None for route in routes}
    depths: dict[str, int] = {}
    for name in parents:
        chain = [name]
        while (above := parents.get(chain[-1])) is not None and above not in chain:
            chain.append(above)
        depths[name] = len(chain) - 1
    return depths
