"""The report counts each case once wherever it belongs, and its shares are those of what was chosen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub.model import State
from hub.quality import Choice, Report, Verdict, data, late
from hub.quality.moments import kept
from hub.settings import TermsSettings
from hub.store.views import Backlog

NOW = datetime(2025, 6, 3, tzinfo=UTC)


def verdict(number: str = "A1", *marks: tuple[str, str, str], **more: Any) -> Verdict:
    base = {"department": "某局", "item": "S1", "item_name": "某事项", "accepted": kept("2025-06-02 09:00:00"), "closed": True}
    return Verdict(number, marks=frozenset(marks), **{**base, **more})


def test_everything_is_counted_where_it_belongs() -> None:
    report = Report()
    report.add(
        verdict("A1", ("T01", "future", "block"), ("T01", "", "block"), ("D03", "value", "warn"), standings=(("city", "dead"),))
    )
    report.add(verdict("A2", ("T04", "overdue", "warn"), standings=(("city", "delivered"), ("city", "pending"))))
    report.add(verdict("A3", ("C01", "idle", "warn"), closed=False, department="另一局", item="S2"))
    total = report.total
    assert (total.cases, total.accepted, total.closed, total.open, total.blocked) == (3, 3, 2, 1, 1)
    assert (total.overdue, total.idle, total.failing["T01"], total.lines["T01", "future"]) == (1, 1, 1, 1)
    assert (total.on_time, total.share("T01")) == (0.5, pytest.approx(1 / 3))
    assert {name: group.cases for name, group in report.departments.items()} == {"某局": 2, "另一局": 1}
    assert {key: group.cases for key, group in report.items.items()} == {("某局", "S1"): 2, ("另一局", "S2"): 1}
    assert dict(total.deliveries) == {("city", "dead"): 1, ("city", "delivered"): 1, ("city", "open"): 1}


def test_json_says_the_same() -> None:
    report = Report(parts=frozenset({"case"}))
    report.add(verdict("A1", ("T01", "future", "block")))
    told = data(report)
    rules = {one["rule"]: one for one in told["rules"]}
    assert (rules["T01"]["cases"], rules["T01"]["share"], rules["T01"]["lines"]["future"]) == (1, 1.0, 1)
    assert (rules["C06"]["looked_at"], rules["C01"]["looked_at"], told["sameness"]) == (False, True, None)
    assert told["departments"][0] == {
        "department": "某局",
        **{key: told[key] for key in told["departments"][0] if key != "department"},
    }


def test_an_empty_report_divides_by_nothing() -> None:
    assert Report().total.share("T01") == 0.0
    assert Report().total.on_time is None


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_summed_up(state: State) -> None:
    report = Report()
    report.add(verdict(standings=(("city", state.value),)))
    assert sum(report.total.deliveries.values()) == 1


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), True),
        (Choice(since=date(2025, 6, 2), until=date(2025, 6, 2)), True),
        (Choice(since=date(2025, 6, 3)), False),
        (Choice(until=date(2025, 6, 1)), False),
        (Choice(department="某局"), True),
        (Choice(department="某"), False),
    ],
)
def test_what_is_chosen(choice: Choice, taken: bool) -> None:
    assert choice.takes(verdict()) is taken


def test_a_case_without_a_time_is_in_no_period() -> None:
    assert not Choice(since=date(2025, 1, 1)).takes(verdict(accepted=None))
    assert Choice().takes(verdict(accepted=None))


def test_r02_too_many_or_too_old() -> None:
    terms = TermsSettings(backlog=10, oldest=timedelta(hours=1))
    young, old = NOW - timedelta(minutes=5), NOW - timedelta(hours=2)
    backlog = {
        "many": {State.PENDING: Backlog(8, young), State.PARKED: Backlog(3, young), State.DEAD: Backlog(99, old)},
        "old": {State.PARKED: Backlog(1, old)},
        "well": {State.PENDING: Backlog(10, young)},
        "dead": {State.DEAD: Backlog(99, old)},
        "person": {State.HELD: Backlog(99, old)},
    }
    assert [(one.system, one.owed) for one in late(backlog, terms, NOW)] == [("many", 11), ("old", 1)]
