"""Check digits and dates of certificate numbers (made-up numbers, and the standards' own examples)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from hub.mapping.certificates import faults_of_id, faults_of_organisation, faults_of_uscc
from hub.mapping.issues import Severity


@pytest.mark.parametrize("number", ["11010519491231002X", "621125197001010018", "622428197001010014"])
def test_good_identity_numbers(number: str) -> None:
    assert list(faults_of_id(number)) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("110105194912310021", "check digit"),
        ("11010519491231002x", "digit or X"),
        ("1101051949123100", "18 characters"),
        ("110105194913310021", "birth date"),
        ("11010519491231002Ｘ", "digit or X"),
        ("１1010519491231002X", "digit or X"),
        ("110105491331002", "birth date"),
    ],
)
def test_wrong_identity_numbers(number: str, words: str) -> None:
    [(message, severity)] = faults_of_id(number)
    assert words in message
    assert severity is None
    assert number not in message


def test_the_old_15_digits_only_warn() -> None:
    assert [severity for _, severity in faults_of_id("110105491231002")] == [Severity.WARN]


def test_an_unknown_division_only_warns() -> None:
    assert [severity for _, severity in faults_of_id("999999197001010017")] == [Severity.WARN]


@given(st.dates(), st.integers(0, 999))
def test_a_single_wrong_digit_is_always_found(birth: object, order: int) -> None:
    number = f"621125{str(birth).replace('-', '')}{order:03d}"
    number += ric.calc_check_digit(number + "0")
    assert [fault for fault in faults_of_id(number) if fault[1] is None] == []
    wrong = number[:-2] + str((int(number[-2]) + 1) % 10) + number[-1]
    assert any("check digit" in message for message, _ in faults_of_id(wrong))


@pytest.mark.parametrize("number", ["11650000010183859F", "11440232MB2D06811W", "11620000013897179N", "12620000224333349J"])
def test_good_uscc(number: str) -> None:
    assert list(faults_of_uscc(number)) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("11620000013897179A", "check character"),
        ("1162000001389717", "18 characters"),
        ("1162000001389717IN", "not allowed"),
        ("11620000013897179n", "small letters"),
    ],
)
def test_wrong_uscc(number: str, words: str) -> None:
    [(message, severity)] = faults_of_uscc(number)
    assert words in message
    assert severity is None


@pytest.mark.parametrize("number", ["01389717-9", "013897179", "010183859"])
def test_good_organisation_codes(number: str) -> None:
    assert list(faults_of_organisation(number)) == []


@pytest.mark.parametrize("number", ["01389717-8", "0138971", "0138971X9", "01389717-", ""])
def test_wrong_organisation_codes(number: str) -> None:
    assert len(list(faults_of_organisation(number))) == 1


@given(st.text())
def test_any_text_is_judged(number: str) -> None:
    for judge in (faults_of_id, faults_of_uscc, faults_of_organisation):
        list(judge(number))
