"""Applicants are invented, yet their numbers pass every check."""

from __future__ import annotations

from random import Random

import pytest
from stdnum.cn import uscc

from hub.sandbox.national import identity_is_valid
from hub.sandbox.people import IN_GBK, OUTSIDE_GBK, Population


def population(rare: float = 0.0) -> Population:
    return Population(Random("people"), "fake", rare=rare)


def test_persons_have_valid_numbers_nobody_can_have() -> None:
    people = population()
    for _ in range(200):
        person = people.person()
        assert identity_is_valid(person.identity)
        assert person.identity.startswith("62112519") and int(person.identity[6:10]) < 1920
        assert len(person.mobile) == 11 and person.mobile.startswith("14000")


@pytest.mark.parametrize(("wanted", "kinds"), [("P", {"1"}), ("E", {"2", "4", "5", "6"}), ("B", {"1", "2", "4", "5", "6"})])
def test_applicants_are_of_the_wanted_kind(wanted: str, kinds: set[str]) -> None:
    people = population()
    made = [people.applicant(wanted) for _ in range(500)]
    assert {one.kind for one in made} == kinds
    for one in made:
        assert identity_is_valid(one.number) if one.paper == "SF" else uscc.is_valid(one.number)
        assert bool(one.legal) == (one.paper == "XYDM")


def test_rare_and_dotted_names_come_at_the_chosen_rate() -> None:
    people = population(rare=1.0)
    names = [people.name() for _ in range(400)]
    dotted = [name for name in names if "·" in name]
    in_gbk = [name for name in names if any(letter in name for letter in IN_GBK)]
    outside = [name for name in names if any(letter in name for letter in OUTSIDE_GBK)]
    assert len(dotted) + len(in_gbk) + len(outside) == 400 and min(len(dotted), len(in_gbk), len(outside)) > 50
    assert all(name.encode("gbk") for name in [*dotted, *in_gbk])
    for name in outside:
        with pytest.raises(UnicodeEncodeError):
            name.encode("gbk")


def test_no_rare_names_at_rate_zero() -> None:
    people = population()
    assert all(name.encode("gb2312") for name in (people.name() for _ in range(300)))
