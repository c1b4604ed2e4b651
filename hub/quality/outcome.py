"""Decides whether a case's result, fee, materials and evaluations fit together: rules C04, C05, C07, C08 and equal times of D03."""

from __future__ import annotations

from collections.abc import Iterator

from hub.quality.bench import Bench, Found
from hub.quality.facts import Case, Item


def result(case: Case, bench: Bench) -> Iterator[Found]:
    """C04: a refusal has its reason and no certificate, a certificate has name and number."""
    for one in case.results:
        refused = one.means("refused", one.outcome)
        if refused and one.has("reason") and not one.reason:
            yield "C04", "no-reason"
        if refused and (one.certificate or one.certificate_number):
            yield "C04", "refused-certificate"
        if one.has("certificate", "certificate_number") and bool(one.certificate) != bool(one.certificate_number):
            yield "C04", "half-certificate"


def fees(case: Case, bench: Bench) -> Iterator[Found]:
    """C05: a fee has amount and payer, and its item costs something."""
    for fee in case.fees:
        if fee.has("amount") and not fee.amount:
            yield "C05", "no-amount"
        if fee.has("payer") and not fee.payer:
            yield "C05", "no-payer"
    rows = _items(case, bench)
    if case.fees and rows and all(one.means("free", one.charged) for one in rows):
        yield "C05", "not-charged"


def materials(case: Case, bench: Bench) -> Iterator[Found]:
    """C07: mandatory materials are there, and those not on paper have their file."""
    if any(one.has("file") and one.means("filed", one.way) and not one.file for one in case.materials):
        yield "C07", "no-file"
    there = {one.name for one in case.materials}
    rows = _items(case, bench)
    if bench.knows("material") and rows and not any(set(one.materials) <= there for one in rows):
        yield "C07", "missing"


def _items(case: Case, bench: Bench) -> list[Item]:
    code = case.main.item if case.main else None
    return (bench.items.hall or {}).get(code or "", [])


def evaluations(case: Case, bench: Bench) -> Iterator[Found]:
    """C08: an evaluation has a case that is done; praise by the system itself, or in bulk, is no rating."""
    for one in case.evaluations:
        if not case.mains:
            yield "C08", "alone"
        elif one.means("done", one.status) and not case.results:
            yield "C08", "early"
        if one.means("defaulted", one.automatic):
            yield "C08", "default"
    if case.number in bench.praised:
        yield "C08", "bulk"


def same_times(case: Case, bench: Bench) -> Iterator[Found]:
    """D03: application, acceptance and result at the very same second were filled in, not written down."""
    times = {case.main.applied, case.accepted, case.ended} if case.main else {None}
    if len(times) == 1 and None not in times:
        yield "D03", "same-time"


def twice(case: Case, bench: Bench) -> Iterator[Found]:
    """D01: the same application came from another system too."""
    if case.number in bench.twice:
        yield "D01", "twice"
