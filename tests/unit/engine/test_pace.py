"""How wide the next window is: narrower after trouble and for slow targets, wider again while all goes well."""

from __future__ import annotations

import pytest

from hub.engine.pace import WINDOW, Pace, widest
from hub.errors import SUSPECTED, UNSENT, Deferred, InDoubt, Rejected, Retryable
from hub.model import Guarantees, Receipt
from hub.ports import Outcome

BUSY: Outcome = Retryable("HUB-D-113", "busy")
REST: Outcome = Deferred(UNSENT, "not sent", until=None)
BATCH = Guarantees(idempotent=True, batch=16, in_flight=2)


@pytest.mark.parametrize(
    ("guarantees", "most"),
    [
        (Guarantees(), 1),
        (Guarantees(findable=True), WINDOW),
        (Guarantees(idempotent=True, batch=50, in_flight=4), 200),
        (Guarantees(idempotent=True, batch=20, in_flight=2), WINDOW),
        (Guarantees(batch=500), 1),
    ],
)
def test_how_wide_a_window_may_be(guarantees: Guarantees, most: int) -> None:
    assert widest(guarantees) == most


@pytest.mark.parametrize("trouble", [BUSY, InDoubt("HUB-D-104", "no answer")])
def test_trouble_halves_down_to_one_and_success_doubles(trouble: Outcome) -> None:
    pace, seen = Pace(64), []
    for _ in range(7):
        pace.learn([trouble] * pace.limit, BATCH)
        seen.append(pace.limit)
    assert seen == [32, 16, 8, 4, 2, 1, 1]
    for _ in range(7):
        pace.learn([Receipt()] * pace.limit, BATCH)
    assert pace.limit == 64


@pytest.mark.parametrize("outcome", [Rejected("HUB-D-115", "no"), Receipt()])
def test_a_window_in_which_something_was_judged_is_no_trouble(outcome: Outcome) -> None:
    pace = Pace(64)
    pace.learn([BUSY, outcome], BATCH)
    assert pace.limit == 64


def test_the_next_window_is_half_of_those_that_were_refused_together() -> None:
    pace = Pace(64)
    suspects = [Deferred(SUSPECTED, "refused together", until=None)] * 16
    pace.learn([Receipt(), *suspects, *[REST] * 8], BATCH)
    assert pace.limit == 8
    pace.learn(suspects[:1], BATCH)
    assert pace.limit == 1


def test_one_by_one_there_is_no_neighbour_to_spare() -> None:
    pace = Pace(64)
    pace.learn([BUSY] * 64, Guarantees(idempotent=True))
    assert pace.limit == 64


def test_a_slow_target_gets_what_fits_and_never_less_than_its_calls() -> None:
    pace = Pace(64)
    pace.learn([*[Receipt()] * 40, *[REST] * 24], BATCH)
    assert pace.limit == 40
    pace.learn([Receipt(), *[REST] * 39], BATCH)
    assert pace.limit == 32
