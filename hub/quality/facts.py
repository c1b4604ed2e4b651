"""Decides what the rules know of a case: its records as facts, no name, no number of a person, no free text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hub.quality.moments import Moment
from hub.settings import PartSettings

Word: TypeAlias = str | None


@dataclass(slots=True)
class Fact:
    """One record. `part` says what its codes mean and which fields the county has at all. Fields stand as in the vocabulary."""

    part: PartSettings

    def has(self, *fields: str) -> bool:
        """Say whether the county keeps these fields."""
        return all(name in self.part.paths for name in fields)

    def means(self, word: str, code: Word) -> bool:
        """Say whether a code is one of those listed under `word`."""
        return code is not None and code in self.part.codes.get(word, ())


@dataclass(slots=True)
class Main(Fact):
    """办件. `applicant` is a digest."""

    item: Word
    item_name: Word
    version: Word
    department: Word
    type: Word
    applied: Moment | None
    accepted: Moment | None
    promised: Moment | None
    days: Word
    applicant: Word
    origin: Word
    centre: Word
    updated: Moment | None


@dataclass(slots=True)
class Step(Fact):
    """办理环节."""

    name: Word
    action: Word
    started: Moment | None
    ended: Moment | None
    updated: Moment | None


@dataclass(slots=True)
class Special(Fact):
    """特别程序."""

    type: Word
    started: Moment | None
    ended: Moment | None
    updated: Moment | None


@dataclass(slots=True)
class Material(Fact):
    """申请材料. `file`: there or not."""

    name: Word
    way: Word
    file: Word
    updated: Moment | None


@dataclass(slots=True)
class Result(Fact):
    """办件结果. `certificate`, `certificate_number`, `reason`: there or not."""

    ended: Moment | None
    outcome: Word
    certificate: Word
    certificate_number: Word
    reason: Word
    updated: Moment | None


@dataclass(slots=True)
class Fee(Fact):
    """收费. `amount`, `payer`: there or not."""

    amount: Word
    payer: Word
    paid: Moment | None
    updated: Moment | None


@dataclass(slots=True)
class Evaluation(Fact):
    """评价."""

    level: Word
    status: Word
    automatic: Word
    place: Word
    at: Moment | None
    updated: Moment | None


@dataclass(slots=True)
class Item(Fact):
    """事项, as the hall or the province's site has it; the latter has no more than name, department, state and version."""

    code: Word
    name: Word
    department: Word
    state: Word
    version: Word
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    charged: Word = None
    materials: tuple[str, ...] = ()

    @property
    def in_force(self) -> bool:
        """Say whether it is in force: every state is where the county lists none."""
        return not self.part.codes.get("in_force") or self.means("in_force", self.state)


#: Fields of which only is kept whether they are there: they hold what may be personal, or any text.
PRESENCE = frozenset({"certificate", "certificate_number", "reason", "payer", "file", "amount"})
#: Parts that belong to a case, and what their facts are.
OF_A_CASE: dict[str, type[Fact]] = {
    "case": Main,
    "step": Step,
    "special": Special,
    "material": Material,
    "result": Result,
    "fee": Fee,
    "evaluation": Evaluation,
}
_FACTS = {"case": "mains", "step": "steps", "special": "specials", "material": "materials", "result": "results", "fee": "fees",
          "evaluation": "evaluations"}  # fmt: skip


@dataclass(slots=True)
class Case:
    """Everything known of one case."""

    number: str
    mains: list[Main] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    specials: list[Special] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    fees: list[Fee] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        """Add one of its records."""
        getattr(self, _FACTS[fact.part.part]).append(fact)

    @property
    def main(self) -> Main | None:
        """Return its record of acceptance."""
        return self.mains[0] if self.mains else None

    @property
    def result(self) -> Result | None:
        """Return its result."""
        return self.results[0] if self.results else None

    @property
    def accepted(self) -> Moment | None:
        """Return when it was accepted."""
        return self.main.accepted if self.main else None

    @property
    def ended(self) -> Moment | None:
        """Return when it was done."""
        return self.result.ended if self.result else None

    def worked(self) -> list[Step]:
        """Return the steps that do more than take the case in."""
        return [step for step in self.steps if not step.means("taking_in", step.name)]


@dataclass(frozen=True, slots=True)
class Items:
    """The hall's list and the published one, by code; what is not known at all is None."""

    hall: Mapping[str, list[Item]] | None = None
    published: Mapping[str, list[Item]] | None = None
