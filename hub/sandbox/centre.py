"""Decides what every sub-centre that answers at an address keeps: the cases that came in, and what its people make of them."""

from __future__ import annotations

from typing import Any

from hub.sandbox.caseload import Caseload
from hub.sandbox.farside import FarSide
from hub.sandbox.faults import FaultPlan
from hub.sandbox.ledger import Held, Ledger


class SubCentre(FarSide):
    """A sub-centre: what it takes stands in its ledger, what it hands down is what became of its caseload."""

    def __init__(self, ledger: Ledger, cases: Caseload, plan: FaultPlan | None) -> None:
        self.plan = plan or FaultPlan()
        self._ledger, self._cases = ledger, cases

    def held(self) -> list[Held]:
        """Return every case held; endpoint is where it came in, row the case number."""
        return self._ledger.held()

    def stats(self) -> dict[str, Any]:
        """Return the counts so far."""
        return self._ledger.stats() | self._cases.counts() | {"faults": self.plan.thrown()}

    def work(self) -> int:
        """Review what came in, and carry on what passed."""
        return self._cases.work()

    def offered(self) -> list[tuple[str, str]]:
        """Return every step and every result there is to be read."""
        steps = [("progress", f"{one.case}|{one.step.number}") for _, one in self._cases.progress(0)]
        return steps + [("outcome", one.case) for _, one in self._cases.outcomes(0)]
