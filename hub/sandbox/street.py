"""Decides how a whole sandbox is put together: the county's database, the three twins, the control API, and their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from sqlalchemy import inspect

from hub.errors import HubError
from hub.sandbox.approval import T_BJ, create
from hub.sandbox.city import PATH as CITY_PATH
from hub.sandbox.city import CityTwin
from hub.sandbox.control import Control
from hub.sandbox.faults import LEVELS, FaultKind, FaultPlan
from hub.sandbox.flaws import GroundTruth, Rates
from hub.sandbox.generator import fill
from hub.sandbox.ledger import Twin
from hub.sandbox.province import ProvinceTwin
from hub.sandbox.social import PATH as SOCIAL_PATH
from hub.sandbox.social import SocialTwin
from hub.sandbox.web import Host


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the sandbox listens on 127.0.0.1; 0 is any free port."""

    control: int = 8630
    city: int = 8631
    social: int = 8632

    @classmethod
    def free(cls) -> Ports:
        """Return ports the operating system chooses."""
        return cls(0, 0, 0)

    @classmethod
    def at(cls, first: int) -> Ports:
        """Return three neighbouring ports; 0: any free ones."""
        return cls(first, first + 1, first + 2) if first else cls.free()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sandbox shall be. Empty URLs mean SQLite files in `directory`.

    `cases` are put into the local database unless it holds some already. `faults` names a level of `hub.sandbox.faults.LEVELS`;
    `chances` replaces it, by twin. `late` is the share of province rows rejected afterwards for no reason in the data.
    """

    directory: Path
    cases: int = 2000
    seed: int = 1
    rates: Rates = field(default_factory=Rates)
    faults: str = "some"
    chances: Mapping[str, Mapping[FaultKind, float]] = field(default_factory=dict)
    late: float | None = None
    ports: Ports = field(default_factory=Ports)
    local_url: str = ""
    province_url: str = ""

    def settled(self) -> Plan:
        """Return the plan with its URLs filled in. Raises HubError HUB-X-302 for an unknown level of faults."""
        if self.faults not in LEVELS:
            raise HubError("HUB-X-302", f"there is no fault level {self.faults!r}", hint=f"one of: {', '.join(LEVELS)}")
        late = {"none": 0.0, "some": 0.001, "many": 0.01}[self.faults] if self.late is None else self.late
        local = self.local_url or f"sqlite:///{(self.directory / 'approval.db').resolve()}"
        province = self.province_url or f"sqlite:///{(self.directory / 'province.db').resolve()}"
        return replace(self, late=late, local_url=local, province_url=province)


class Sandbox:
    """A county and its far sides, running in this process. Use as a context manager, or call start and stop.

    Raises HubError HUB-X-301 from `start` when a port is taken.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan.settled()
        self.truth: GroundTruth | None = None  # None: the local database was there before
        self.province = ProvinceTwin(self.plan.province_url, rate=self.plan.late or 0.0)
        self.city = CityTwin(plan=self._faults("city"))
        self.social = SocialTwin(plan=self._faults("social"))
        self.twins: dict[str, Twin] = {twin.name: twin for twin in (self.province, self.city, self.social)}
        self._host: Host | None = None
        self._bound = Ports.free()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, progress: Callable[[int], None] | None = None) -> None:
        """Build the county and open the twins; `progress` is told how many cases each step of the building wrote."""
        self.plan.directory.mkdir(parents=True, exist_ok=True)
        self._listen()
        try:
            self.province.create()
            self._populate(progress)
        except BaseException:
            self.stop()
            raise
        self.province.start()

    def stop(self) -> None:
        """Close everything; may be called twice."""
        if self._host:
            self._host.stop()
        self.province.stop()

    def environment(self) -> dict[str, str]:
        """Return the environment variables by which the shipped configuration finds this sandbox."""
        return {
            "LOCAL_URL": self.plan.local_url,
            "PROVINCE_URL": self.plan.province_url,
            "CITY_URL": f"http://127.0.0.1:{self._bound.city}",
            "CITY_APP_ID": self.city.app_id,
            "CITY_APP_SECRET": self.city.secret,
            "SOCIAL_URL": f"http://127.0.0.1:{self._bound.social}",
            "SOCIAL_USER": self.social.user,
            "SOCIAL_PASSWORD": self.social.password,
        }

    def addresses(self) -> dict[str, str]:
        """Return where a person can look: the control API and the two services."""
        return {
            "control": f"http://127.0.0.1:{self._bound.control}/_twin/stats",
            "city": f"http://127.0.0.1:{self._bound.city}{CITY_PATH}",
            "social": f"http://127.0.0.1:{self._bound.social}{SOCIAL_PATH}?wsdl",
        }

    def _faults(self, twin: str) -> FaultPlan:
        rates = self.plan.chances.get(twin, LEVELS[self.plan.faults])
        return FaultPlan(seed=self.plan.seed, rates=rates)

    def _listen(self) -> None:
        self._host = host = Host()
        wanted = self.plan.ports
        try:
            self._bound = Ports(
                control=host.listen(Control(self.twins), wanted.control),
                city=host.listen(self.city, wanted.city),
                social=host.listen(self.social, wanted.social),
            )
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
        if not filled and self.plan.cases:
            self.truth = fill(self.plan.local_url, self.plan.cases, seed=self.plan.seed, rates=self.plan.rates, progress=progress)
