"""Decides whether a case went its proper way: rules C01 to C03."""

from __future__ import annotations

from collections.abc import Iterator

from hub.mapping.workdays import between
from hub.quality.bench import Bench, Found
from hub.quality.facts import Case, Step
from hub.quality.moments import day


def whole(case: Case, bench: Bench) -> Iterator[Found]:
    """C01: no result and no step without an acceptance, no acceptance without work (只挂号不办理), no result without a step."""
    accepted = case.accepted is not None
    if case.results and not accepted:
        yield "C01", "result-alone"
    if case.steps and not accepted:
        yield "C01", "step-alone"
    if not bench.knows("step") or case.worked():
        return
    if case.results:
        yield "C01", "no-step"
    elif case.accepted is not None and between(day(case.accepted), day(bench.now)) >= bench.terms.idle:
        yield "C01", "idle"


def kind(case: Case, bench: Bench) -> Iterator[Found]:
    """C02: a promised case has a middle step when it is done, a case done at once has one step."""
    main, worked = case.main, case.worked()
    if main is None or not bench.knows("step"):
        return
    if main.means("committed", main.type) and case.results and all(step.means("finishing", step.name) for step in worked):
        yield "C02", "no-middle"
    if main.means("instant", main.type) and len(worked) > 1:
        yield "C02", "many"


def pairs(case: Case, bench: Bench) -> Iterator[Found]:
    """C03: what a step's position allows it to be."""
    known = sorted((step for step in case.steps if step.started is not None), key=lambda step: step.started or 0)
    if any(not _allowed(step, place) for step, place in zip(known, _places(len(known)), strict=True)):
        yield "C03", "pair"


def _places(count: int) -> list[str]:
    if count < 2:
        return ["only"] * count
    return ["first", *["middle"] * (count - 2), "last"]


def _allowed(step: Step, place: str) -> bool:
    allowed = step.part.pairs.get(place)
    return allowed is None or step.action is None or step.action in allowed
