"""Which characters a target's encoding holds: the names and places of Gansu that reveal a wrong codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping.encodings import ENCODINGS, described


@pytest.mark.parametrize(
    ("char", "gb2312", "gbk", "gb18030", "utf8"),
    [
        ("殪", True, True, True, True),  # 殪虎桥镇
        ("喆", False, True, True, True),
        ("堃", False, True, True, True),
        ("·", False, True, True, True),  # the dot in minority names
        ("—", False, True, True, True),
        ("䶮", False, False, True, True),
        ("𬎆", False, False, True, True),
        ("€", False, False, True, True),
        ("\u9fb4", False, False, False, True),  # CPython's 2005 table would make it private use over there
        ("\ufe10", False, False, False, True),
        ("\ue81e", False, False, False, True),  # private use itself
        ("\ud800", False, False, False, False),
    ],
)
def test_repertoires(char: str, gb2312: bool, gbk: bool, gb18030: bool, utf8: bool) -> None:
    fits = [ENCODINGS[name].fits(f"马{char}") for name in ("gb2312", "gbk", "gb18030", "utf-8")]
    assert fits == [gb2312, gbk, gb18030, utf8]


def test_misfits_are_named_with_their_position() -> None:
    assert ENCODINGS["gbk"].misfits("马䶮喆𬎆䶮") == [(2, "䶮"), (4, "𬎆")]
    assert described(4, "𬎆") == "U+2C386 CJK UNIFIED IDEOGRAPH-2C386 at character 4"
    assert described(1, "\ud800") == "U+D800 at character 1"


def test_misfits_of_a_huge_text_stop_early() -> None:
    found = ENCODINGS["gbk"].misfits("a" * 200_000 + "".join(map(chr, range(0x3400, 0x3480))) * 1000)
    assert len(found) == 5
    assert found[0][0] == 200_001


@given(st.text(), st.sampled_from(sorted(ENCODINGS)))
def test_no_misfit_exactly_when_it_fits(text: str, name: str) -> None:
    assert (ENCODINGS[name].misfits(text) == []) == ENCODINGS[name].fits(text)


@pytest.mark.parametrize(("name", "size"), [("gbk", 9), ("utf-8", 12), ("gb18030", 9)])
def test_bytes(name: str, size: int) -> None:
    assert ENCODINGS[name].size("武阳镇·1") == size


@given(st.text(), st.sampled_from(sorted(ENCODINGS)))
def test_width_is_never_passed(text: str, name: str) -> None:
    assert ENCODINGS[name].size(text) <= len(text) * ENCODINGS[name].width
