"""What is kept of the far side's words."""

from __future__ import annotations

import pytest

from adapters.kit.answer import Answer
from adapters.kit.words import heard, said
from hub.errors import SAID_LIMIT


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("证件号62112519800101123X有误", "证件号621125********123X有误"),
        ("62112519800101123", "621125********1123"),
        ("old 621125800101123 card", "old 621125********1123 card"),
        ("手机 13900001234", "手机 139****1234"),
        ("case 1234567890 of 2016", "case 1234567890 of 2016"),
        ("line\n  two\t.", "line two ."),
        ("", ""),
        (None, ""),
    ],
)
def test_numbers_of_persons_are_masked(text: str | None, kept: str) -> None:
    assert said(text) == kept


def test_words_are_shortened() -> None:
    assert len(said("x" * 10_000)) == SAID_LIMIT


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"code":1,"msg":"不行","data":{"name":"某人"}}', "不行"),
        ('{"head":{"code":"500","result":"签名错误"}}', "签名错误"),
        ('{"name":"某人","data":{"address":"某地"}}', "JSON with name, data {address}"),
        ("[1,2]", "JSON with a list of 2"),
        ("<R><STATUS>300</STATUS><NAME>某人</NAME></R>", "XML with R: STATUS, NAME"),
        ("<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"),
        ("error 42", "error 42"),
        ("", ""),
    ],
)
def test_what_is_heard_without_a_rule_never_echoes_the_record(body: str, kept: str) -> None:
    assert heard(Answer(200, {}, body)) == kept
