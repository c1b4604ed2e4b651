"""A ledger knows new from again from changed."""

from __future__ import annotations

from hub.sandbox.ledger import Held, Ledger, Rejection


def test_taken_then_again_then_changed() -> None:
    ledger = Ledger("R")
    receipt, duplicate = ledger.take("accept", "1", {"a": 1})
    assert not duplicate
    assert ledger.take("accept", "1", {"a": 1}) == (receipt, True)
    assert ledger.take("accept", "1", {"a": 2}) == (receipt, False)
    assert ledger.take("accept", "2", {"a": 1})[0] != receipt
    assert ledger.held() == [Held("accept", "1", {"a": 2}), Held("accept", "2", {"a": 1})]
    stats = ledger.stats()
    assert (stats["taken"], stats["duplicates"], stats["updated"], stats["held"]) == (2, 1, 1, 2)


def test_a_dropped_row_is_gone_and_its_receipt_is_not_given_again() -> None:
    ledger = Ledger("R")
    first, _ = ledger.take("accept", "1", {})
    assert ledger.drop("accept", "1") == first
    assert ledger.drop("accept", "1") is None
    assert ledger.find("accept", "1") is None
    assert ledger.take("accept", "1", {})[0] != first
    assert ledger.stats()["deleted"] == 1


def test_late_verdicts_are_listed_from_a_number_on() -> None:
    ledger = Ledger("R")
    verdicts = [Rejection("accept", str(number), "B", "why") for number in range(3)]
    for verdict in verdicts:
        ledger.reject_later(verdict)
    assert ledger.rejections() == verdicts
    assert ledger.rejections(2) == verdicts[2:]


def test_refusals_are_counted_by_reason() -> None:
    ledger = Ledger("R")
    for reason in ("4001", "4001", "4002"):
        ledger.refuse(reason)
    assert ledger.stats()["refused"] == {"4001": 2, "4002": 1}
