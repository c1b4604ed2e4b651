"""English counts on the screen: one system, two systems."""

from __future__ import annotations

from hub.cli import words


def test_a_noun_goes_with_its_number() -> None:
    assert [words.counted(number, "dead letter") for number in (0, 1, 2)] == ["0 dead letters", "1 dead letter", "2 dead letters"]
    assert words.counted(1, "delivery", "deliveries") == "1 delivery"
    assert words.counted(2, "delivery", "deliveries") == "2 deliveries"


def test_a_verb_goes_with_its_number() -> None:
    assert (words.are(1), words.are(2), words.have(1), words.have(0)) == ("is", "are", "has", "have")
    assert (words.verb(1, "wait"), words.verb(3, "wait"), words.verb(1, "do", "does")) == ("waits", "wait", "does")
