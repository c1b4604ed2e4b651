"""Causes on the screen: rows of one file with one fault are one line, and what is copied from it finds what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hub.cli import causes, lang
from hub.store.causes import folded
from hub.store.groups import DeadGroup

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    lang.speak(lang.ZH)
    yield
    lang.speak(lang.ZH)


def group(reason: str, sample: int, *, code: str = "HUB-S-243", stage: str = "source", count: int = 1) -> DeadGroup:
    return DeadGroup("town", stage, code, reason, count, NOW - timedelta(minutes=sample), sample)


def row(number: int, column: str = "J 日期", name: str = "a.xlsx") -> str:
    return f"{name}, sheet 办件, row {number}: column {column}: a date as a bare number"


def test_rows_of_one_file_with_one_fault_are_one() -> None:
    (one,) = folded([group(row(9), 3), group(row(4), 1), group(row(7), 2)])
    assert (one.count, one.sample, one.oldest) == (3, 1, NOW - timedelta(minutes=3))
    assert causes.told(one) == "a.xlsx，工作表 办件，第 4 行：J 列 日期：日期成了一个数字（等 3 处）"
    lang.speak(lang.EN)
    assert causes.told(one) == f"{row(4)} (and 2 more)"


def test_other_columns_files_and_codes_stay_apart() -> None:
    groups = [group(row(4), 1), group(row(5, "K 日期"), 2), group(row(6, name="b.xlsx"), 3), group(row(7), 4, code="HUB-S-248")]
    assert len(folded(groups)) == 4


def test_lines_of_a_whole_file_and_other_stages_are_not_touched() -> None:
    header = "a.csv: line 1: the column 编号 is missing"
    refused = "row 4: no, row 5: no"
    groups = [group(header, 1, code="HUB-S-221"), group(refused, 2, stage="send", code="HUB-D-115", count=2)]
    assert [one.reason for one in folded(groups)] == [refused, header]
    assert causes.told(groups[1]) == refused
    assert causes.told(groups[0]) == "a.csv：第 1 行：缺少列 编号"


def test_the_far_sides_own_words_are_never_changed() -> None:
    assert causes.said("HUB-D-115", "a date, where text is declared") == "a date, where text is declared"
    assert causes.said(None, None) == ""


def test_a_cause_from_either_screen_is_the_stored_one() -> None:
    groups = [group(row(4), 1)]
    assert causes.exactly(groups, causes.said("HUB-S-243", row(4))) == row(4)
    assert causes.exactly(groups, row(4)) == row(4)
    assert causes.exactly(groups, "something else") == "something else"


@pytest.mark.parametrize(
    ("code", "stored", "shown"),
    [
        ("HUB-M-132", "SQRZJHM: certificate", "SQRZJHM：证件号码"),
        ("HUB-M-139", "task_code: contains, use_level: enum", "task_code：编码组成，use_level：取值范围"),
        ("HUB-D-121", "HTTP 200: try again, says a rule: busy", "HTTP 200：按应答规则，再试：busy"),
    ],
)
def test_broken_rules_and_judged_answers_are_said_in_chinese_and_found_again(code: str, stored: str, shown: str) -> None:
    groups = [group("other: type", 1, code="HUB-M-102", stage="map"), group(stored, 2, code=code, stage="map")]
    assert causes.told(groups[1]) == shown
    assert causes.exactly(groups, shown) == stored
    lang.speak(lang.EN)
    assert causes.told(groups[1]) == stored
