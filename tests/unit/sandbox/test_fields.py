from __future__ import annotations

import pytest

from hub.sandbox.fields import Field, unfit

FIELDS = {"xm": Field("姓名", 6, True), "dabh": Field("档案编号", 12, pattern=r"\d{12}")}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"xm": "张喆"}, ""),
        ({"xm": "张喆", "dabh": ""}, ""),
        ({"xm": "张喆", "dabh": "000000000001"}, ""),
        ({}, "xm 姓名不能为空"),
        ({"xm": "古丽热合"}, "xm 姓名超过6个字节"),
        ({"xm": "马䶮"}, "xm 姓名含有无法识别的字符"),
        ({"xm": "张喆", "dabh": "1"}, "dabh 档案编号格式错误"),
        ({"xm": "", "bz": ""}, "未定义的字段 bz"),
    ],
)
def test_the_first_thing_that_does_not_fit_is_told(fields: dict[str, str], said: str) -> None:
    assert unfit(fields, FIELDS) == said
