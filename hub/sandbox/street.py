"""Decides how a whole sandbox is put together: the county's database, the far sides, the control API, and their addresses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import cast

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from hub.errors import HubError
from hub.sandbox.approval import T_BJ, create
from hub.sandbox.control import Control
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import LEVELS, FaultKind
from hub.sandbox.flaws import GroundTruth, Rates
from hub.sandbox.generator import fill
from hub.sandbox.twins.city import CityTwin
from hub.sandbox.twins.evaluation import EvaluationTwin
from hub.sandbox.twins.gateway import GatewayTwin
from hub.sandbox.twins.local import LocalTwin
from hub.sandbox.twins.localtax import LocalTaxTwin
from hub.sandbox.twins.nationaltax import NationalTaxTwin
from hub.sandbox.twins.police import PoliceTwin
from hub.sandbox.twins.province import ProvinceTwin
from hub.sandbox.twins.social import SocialTwin
from hub.sandbox.twins.subsite import SubsiteTwin
from hub.sandbox.twins.supervision import SupervisionTwin
from hub.sandbox.twins.supervision_tables import SupervisionTablesTwin
from hub.sandbox.twins.tax import TaxTwin
from hub.sandbox.twins.towns import TOWNS
from hub.sandbox.twins.transport import TransportTwin, TransportViewTwin
from hub.sandbox.web import Host, Site

log = logging.getLogger(__name__)

#: Every far side of the county, in the order in which they are shown and opened.
FAR_SIDES: tuple[type[FarSide], ...] = (
    LocalTwin,
    ProvinceTwin,
    GatewayTwin,
    CityTwin,
    SocialTwin,
    PoliceTwin,
    NationalTaxTwin,
    LocalTaxTwin,
    TaxTwin,
    SupervisionTwin,
    SupervisionTablesTwin,
    EvaluationTwin,
    TransportTwin,
    TransportViewTwin,
    SubsiteTwin,
    *TOWNS,
)
#: How many ports behind the control port the far sides may take.
MOST_PORTS = 30


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the sandbox listens on 127.0.0.1: the control port, far sides at fixed distances behind it; 0 is any free ports."""

    control: int = 8630

    @classmethod
    def free(cls) -> Ports:
        """Return ports the operating system chooses."""
        return cls(0)

    def of(self, far: type[FarSide]) -> int:
        """Return the port of a far side that listens."""
        return self.control + far.port if self.control else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sandbox shall be. Empty URLs mean SQLite files in `directory`.

    `cases` are put into the local database unless it holds some already, and with `items` the 权责清单. `faults` names a level of
    `hub.sandbox.faults.LEVELS`; `chances` replaces it, by twin. `late` is the share of province rows rejected afterwards for no
    reason in the data. `systems` leaves all far sides out but these; the local database is always there. `hub` is where the hub
    listens, for who pushes. `alive`: the far sides' people work by themselves, every so many seconds; None: only when told.
    """

    directory: Path
    cases: int = 2000
    items: bool = True
    seed: int = 1
    rates: Rates = field(default_factory=Rates)
    faults: str = "some"
    chances: Mapping[str, Mapping[FaultKind, float]] = field(default_factory=dict)
    late: float | None = None
    ports: Ports = field(default_factory=Ports)
    local_url: str = ""
    province_url: str = ""
    systems: frozenset[str] | None = None
    hub: str = ""
    alive: float | None = 1.0

    def settled(self) -> Plan:
        """Return the plan with its URLs filled in. Raises HubError HUB-X-302 for an unknown level of faults."""
        if self.faults not in LEVELS:
            raise HubError("HUB-X-302", f"there is no fault level {self.faults!r}", hint=f"one of: {', '.join(LEVELS)}")
        late = {"none": 0.0, "some": 0.001, "many": 0.01}[self.faults] if self.late is None else self.late
        ground = Ground(self.directory)
        local, province = self.local_url or ground.url("approval"), self.province_url or ground.url("province")
        return replace(self, late=late, local_url=local, province_url=province)

    def ground(self) -> Ground:
        """Return what the far sides of a settled plan are built upon."""
        chances = {far.name: self.chances.get(far.name, LEVELS[self.faults]) for far in FAR_SIDES}
        urls = {"approval": self.local_url, "province": self.province_url}
        return Ground(self.directory, self.seed, self.cases, self.rates, self.late or 0.0, urls, chances)

    def wanted(self) -> list[type[FarSide]]:
        """Return the far sides to build."""
        return [far for far in FAR_SIDES if self.systems is None or far is LocalTwin or far.name in self.systems]


class Sandbox:
    """A county and its far sides, running in this process. Use as a context manager, or call start and stop.

    Raises HubError HUB-X-301 from `start` when a port is taken.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan.settled()
        self.truth: GroundTruth | None = None  # None: the local database was there before
        ground = self.plan.ground()
        self.twins: dict[str, FarSide] = {far.name: far.on(ground) for far in self.plan.wanted()}
        self._host: Host | None = None
        self._bound: dict[str, int] = {}
        self._stopping = Event()
        self._people: Thread | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def province(self) -> ProvinceTwin:
        """The province, if it is there."""
        return cast(ProvinceTwin, self.twins[ProvinceTwin.name])

    @property
    def gateway(self) -> GatewayTwin:
        """The province's gateway, if it is there."""
        return cast(GatewayTwin, self.twins[GatewayTwin.name])

    @property
    def social(self) -> SocialTwin:
        """The social-security sub-centre, if it is there."""
        return cast(SocialTwin, self.twins[SocialTwin.name])

    def start(self, progress: Callable[[int], None] | None = None) -> None:
        """Build the county and open the twins; `progress` is told how many cases each step of the building wrote."""
        self.plan.directory.mkdir(parents=True, exist_ok=True)
        self._listen()
        try:
            self._populate(progress)
            for twin in self.twins.values():
                twin.create()
                twin.meet(self.plan.hub)
                if self.truth is not None:
                    self.truth.flaws += twin.flaws()
        except BaseException:
            self.stop()
            raise
        if self.plan.alive is not None:
            self._people = Thread(target=self._live, args=(self.plan.alive,), name="people", daemon=True)
            self._people.start()

    def stop(self) -> None:
        """Close everything; may be called twice."""
        self._stopping.set()
        if self._people is not None:
            self._people.join()
            self._people = None
        if self._host:
            self._host.stop()
        for twin in self.twins.values():
            twin.stop()

    def meet(self, hub: str) -> None:
        """Tell every far side at which address the hub listens."""
        for twin in self.twins.values():
            twin.meet(hub)

    def work(self) -> int:
        """Let the people of every far side work once; returns how many rows that concerned."""
        return sum(twin.work() for twin in self.twins.values())

    def environment(self) -> dict[str, str]:
        """Return the environment variables by which the shipped configuration finds this sandbox."""
        found: dict[str, str] = {}
        for twin in self.twins.values():
            found |= twin.environment(self._address(twin.name))
        return found

    def addresses(self) -> dict[str, str]:
        """Return where a person can look: the control API and the far sides that listen."""
        listening = {name: self._address(name) + self.twins[name].path for name in self._bound if name in self.twins}
        return {"control": f"{self._address('control')}/_twin/stats", **listening}

    def _address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._bound[name]}" if name in self._bound else ""

    def _listen(self) -> None:
        self._host = host = Host()
        ports = self.plan.ports
        try:
            self._bound = {"control": host.listen(Control(self.twins), ports.control)}
            for twin in self.twins.values():
                if twin.port:
                    self._bound[twin.name] = host.listen(cast(Site, twin), ports.of(type(twin)))
        except OSError as error:
            self.stop()
            raise HubError(
                "HUB-X-301", f"the sandbox cannot listen: {error.strerror}", hint="is another sandbox running?"
            ) from error

    def _populate(self, progress: Callable[[int], None] | None) -> None:
        engine = create(self.plan.local_url)
        try:
            with engine.connect() as connection:
                filled = inspect(connection).has_table(T_BJ.name) and connection.execute(T_BJ.select().limit(1)).first() is not None
        finally:
            engine.dispose()
        if filled:
            return
        self.truth = GroundTruth()  # a county without cases has an account too: its far sides offer things
        if self.plan.cases:
            chosen = self.plan
            self.truth = fill(
                chosen.local_url, chosen.cases, seed=chosen.seed, rates=chosen.rates, items=chosen.items, progress=progress
            )

    def _live(self, every: float) -> None:
        while not self._stopping.wait(every):
            for twin in self.twins.values():
                try:
                    twin.work()
                except SQLAlchemyError as error:  # its database was cut off or locked: the next round sees the same rows again
                    log.warning("the people of %s could not work: %s", twin.name, type(error).__name__)
