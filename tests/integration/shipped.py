"""The shipped configuration of a far side that is called by SOAP, against its twin: what every one of them must do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance import SinkConformance
from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub import documents
from hub.errors import Failure, InDoubt
from hub.model import Finding, Json, Receipt
from hub.sandbox.centre import SubCentre
from hub.sandbox.faults import FaultKind
from hub.sandbox.web import Host
from hub.settings.fill import Fill

ROOT = Path(__file__).parents[2]
SYSTEMS = ROOT / "config" / "systems"


def options(system: str, url: str) -> dict[str, Any]:
    """Return the options of a shipped file, its defaults filled in, at another address."""
    found: list[Finding] = []
    document = Fill({}, SYSTEMS, found).document(documents.read(SYSTEMS / f"{system}.yaml"))
    assert found == [] and isinstance(document.data, dict)
    shipped: Any = document.data["options"]
    address = url + "/" + str(shipped["address"]).partition("://")[2].partition("/")[2]
    return shipped | {"address": address}


class ShippedSoap(SinkConformance):
    """What every dialect must do. A subclass gives `made`, `system` and what `SinkConformance` wants to know."""

    system: ClassVar[str]
    timeouts: ClassVar[Mapping[str, str]] = {"connect": "2s", "read": "1s", "total": "3s"}
    twin: Any

    @pytest.fixture(autouse=True)
    def far_side(self) -> Iterator[None]:
        self.twin = self.made()
        self.host = Host()
        self.port = self.host.listen(self.twin)
        yield
        self.host.stop()

    def made(self) -> SubCentre:
        """Return the twin."""
        raise NotImplementedError

    def adapter(self, **more: Any) -> SoapAdapter:
        impatient = {"timeouts": self.timeouts, "connect_tries": 1}
        wanted = options(self.system, f"http://127.0.0.1:{self.port}") | impatient | more
        return SoapAdapter(SoapOptions.model_validate(wanted, context={"base": ROOT}), system=self.system)

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return [(row.row, row.content) for row in self.twin.held()]

    def go_down(self) -> None:
        self.host.stop()

    def come_back(self) -> None:
        self.host = Host()
        self.host.listen(self.twin, self.port)

    def assert_fault(self, subject: SoapAdapter, fault: FaultKind, kind: type[Failure], kept: bool) -> None:
        """Check that a message that meets this fault comes out as `kind`, that it was kept over there or not, and what is found."""
        self.twin.plan.change(script=[fault])
        (outcome,) = subject.send([self.message(1)])
        assert type(outcome) is kind
        assert bool(self.twin.held()) is kept
        if kind is InDoubt and "test_find_tells_taken_from_not_taken" not in self.leaves_out:
            assert isinstance(subject.find(self.message(1)), Receipt) is kept
