"""What far sides say of two records is one cause when only numbers, times and values differ, and two when more does."""

from __future__ import annotations

import pytest

from hub.engine.likeness import alike

PERSONAL = ("甲某某", "62112519900101001X", "13900000000")
ONE_CAUSE = [
    ("项目编号621125-2016-000123不存在", "项目编号621125-2016-000124不存在"),
    ("第 3 条记录：受理时间晚于办结时间", "第 12 条记录：受理时间晚于办结时间"),
    ("2016年12月13日 9时05分之前不得办结", "2016年2月1日 18时30分之前不得办结"),
    ("at 2016-12-13T01:02:03.5+08:00: no", "at 2017-01-02T11:12:13+08:00: no"),
    ("The request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed", "The request 9c1f04aa-0b12-4e55-8d3f-77aa05e82c33 failed"),
    ("申请人“甲某”已存在", "申请人“乙某某”已存在"),
    ("企业《甲有限责任公司》不在名录", "企业《乙建筑工程有限公司》不在名录"),
    ("【甲某】的证件号码校验不通过", "【乙某】的证件号码校验不通过"),
    ("姓名'甲某'格式不正确", "姓名'乙某某'格式不正确"),
    ("ORA-12899: value too large for column \"ZWFW\".\"T_BJ\".\"SQRMC\" (actual: 25, maximum: 20)",
     "ORA-12899: value too large for column \"ZWFW\".\"T_BJ\".\"SQRMC\" (actual: 31, maximum: 20)"),
    ("(1062, \"Duplicate entry '621125201612130001' for key 'PRIMARY'\")",
     "(1062, \"Duplicate entry '621125201612130002' for key 'PRIMARY'\")"),
    ('null value in column "sqrmc" DETAIL: Failing row contains (6, 甲某, null).',
     'null value in column "sqrmc" DETAIL: Failing row contains (17, 乙某, null).'),
    ("Key (xm)=(甲某) already exists", "Key (xm)=(乙某) already exists"),
    ('{"code": "004", "msg": "办件 GS2016000123 已办结"}', '{"code": "004", "msg": "办件 GS2016000999 已办结"}'),
    ("com.foo.Bar@1a2b3c4d not found", "com.foo.Bar@5e6f7a8b not found"),
    ("rows 3, 4, 17 refused", "rows 5, 6 refused"),
]  # fmt: skip
TWO_CAUSES = [
    ("ORA-00001: unique constraint (ZWFW.PK_T_BJ) violated", "ORA-00001: unique constraint (ZWFW.PK_T_BZ) violated"),
    ('ORA-01400: cannot insert NULL into ("ZWFW"."T_BJ"."SQRMC")', 'ORA-01400: cannot insert NULL into ("ZWFW"."T_BJ"."BJBH")'),
    ("SQLSTATE[23000]: no", "SQLSTATE[22001]: no"),
    ("ORA-03113: end-of-file", "ORA-03135: end-of-file"),
    ('null value in column "sqrmc" violates', 'null value in column "bjbh" violates'),
    ("(1048, \"Column 'sqrmc' cannot be null\")", "(1048, \"Column 'bjbh' cannot be null\")"),
    ("字段“申请人姓名”不能为空", "字段“证件号码”不能为空"),
    ("【申请人姓名】不能为空", "【证件号码】不能为空"),
    ("AAC003 不能为空", "AAE036 不能为空"),
    ("字段 C04 不能为空", "字段 C05 不能为空"),
    ("element 'AAC003' is not valid", "element 'AAC004' is not valid"),
    ("错误码：1003，失败", "错误码：1004，失败"),
    ('{"code": "004", "msg": ""}', '{"code": "005", "msg": ""}'),
    ("004", "005"),
    ("申请人“甲某”已存在", "申请人“甲某”已注销"),
    ("soap:Client: 签名错误", "soap:Server: 签名错误"),
]


@pytest.mark.parametrize(("one", "other"), ONE_CAUSE)
def test_messages_that_differ_by_values_alone_are_one_cause(one: str, other: str) -> None:
    assert one != other
    assert alike(one) == alike(other)


@pytest.mark.parametrize(("one", "other"), TWO_CAUSES)
def test_messages_about_different_things_stay_two(one: str, other: str) -> None:
    assert alike(one) != alike(other)


@pytest.mark.parametrize(
    "said",
    [
        "申请人“甲某某”已存在",
        "甲：《甲某某》不符",
        "【甲某某】无权",
        "'甲某某'",
        'no person named "甲某某"',
        "Key (xm)=(甲某某) exists",
        "证号 62112519900101001X 重复（甲 13900000000）",
        '{"msg": "“甲某某”的证件 62112519900101001X"}',
    ],
)
def test_no_cause_holds_what_is_quoted_of_a_person(said: str) -> None:
    assert [part for part in PERSONAL if part in alike(said)] == []


@pytest.mark.parametrize("said", [one for pair in ONE_CAUSE + TWO_CAUSES for one in pair])
def test_a_cause_is_its_own_cause(said: str) -> None:
    assert alike(alike(said)) == alike(said)


def test_of_a_very_long_message_only_the_beginning_is_looked_at() -> None:
    assert len(alike("字" * 100_000)) < 3000
    assert alike("字" * 3000 + "甲") == alike("字" * 3000 + "乙")
