"""Code tables: strict reading, each finding with its line, and the trap of lost leading zeros."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.mapping.codes import CodeTable, read
from hub.model import Finding


def table(tmp_path: Path, content: str | bytes) -> tuple[CodeTable, list[Finding]]:
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, "t", "codes/t.csv")


def test_reads_with_and_without_byte_order_mark(tmp_path: Path) -> None:
    for mark in ("", "\ufeff"):
        made, found = table(tmp_path, f'{mark}local,target,label\r\n01 , 1,"个人,自然人"\r\n02,2,\r\n\r\n')
        assert found == []
        assert made.targets == {"01": "1", "02": "2"}
        assert made.labels["01"] == "个人,自然人"


@pytest.mark.parametrize(
    ("content", "code", "line", "words"),
    [
        ("local,target,label\n1,a,\n,b,\n", "HUB-M-210", 3, "blank"),
        ("local,target,label\n1,,\n", "HUB-M-210", 2, "blank"),
        ("local,target,label\n1,a,\n2,b,\n1,c,\n", "HUB-M-210", 4, "first in line 2"),
        ("local,target\n1,a\n", "HUB-M-212", 1, "header"),
        ("", "HUB-M-212", 1, "header"),
        ("local,target,label\n1,a\n", "HUB-M-212", 2, "2 cells"),
        ("local,target,label\n1,a,b,c\n", "HUB-M-212", 2, "4 cells"),
        ("local,target,label\n1,a,个人\n".encode("gbk"), "HUB-M-212", 0, "UTF-8"),
        ('local,target,label\n"1,a,b\n', "HUB-M-212", 0, "CSV"),
    ],
)
def test_findings_have_lines(tmp_path: Path, content: str | bytes, code: str, line: int, words: str) -> None:
    _, found = table(tmp_path, content)
    assert [(one.code, one.place.file, one.place.line) for one in found] == [(code, "codes/t.csv", line)]
    assert words in f"{found[0]}"
    assert not found[0].warning


def test_a_missing_table_is_a_finding(tmp_path: Path) -> None:
    assert read(tmp_path / "none.csv", "none", "none.csv")[1][0].code == "HUB-M-212"


@pytest.mark.parametrize(
    ("targets", "warned"),
    [
        (["621125", "0621126"], False),  # a zero is left: nobody cut them
        (["1", "2", "11"], True),
        (["621125", "62112500"], True),
        (["01", "02", "11"], False),
        (["1", "2"], False),
        (["1", "A1"], False),
        (["1", "22", "333"], False),
        (["0", "11"], True),
    ],
)
def test_lost_zeros_are_warned_of(tmp_path: Path, targets: list[str], warned: bool) -> None:
    rows = "".join(f"x{number},{target},\n" for number, target in enumerate(targets))
    _, found = table(tmp_path, f"local,target,label\n{rows}")
    assert [one.code for one in found] == (["HUB-M-211"] if warned else [])
    assert all(one.warning and one.place.line > 1 for one in found)


def test_the_digest_is_of_codes_not_of_labels(tmp_path: Path) -> None:
    first, _ = table(tmp_path, "local,target,label\n1,a,甲\n2,b,乙\n")
    relabelled, _ = table(tmp_path, "local,target,label\n2,b,丙\n1,a,甲\n")
    changed, _ = table(tmp_path, "local,target,label\n1,a,甲\n2,c,乙\n")
    assert first.digest == relabelled.digest != changed.digest
