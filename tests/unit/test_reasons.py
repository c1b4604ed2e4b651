"""Every reason the readers of files and pushes give is said in Chinese, piece by piece; and so is what a run says of itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import adapters.files
import adapters.push
from adapters.database.columns import compare
from adapters.database.tables import Column, Shape
from hub.catalogue.reasons import reason
from hub.errors import SourceFailed

#: What gives a reason: by the name of the call, at which place.
GIVES = {"BadFile": 1, "Spoilt": 2, "Misleading": 0, "unreadable_file": 3}
#: Words that are names of options, formats and encodings.
NAMES = re.compile(r"\b(xlsx|xls|json|xml|dtd|nul|utf|extra|ignore)\b", re.IGNORECASE)


def reasons() -> Iterator[str]:
    """Yield every reason of the source, with 7 where it names a number, a title or anything else."""
    for package in (adapters.files, adapters.push):
        for path in Path(package.__path__[0]).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GIVES:
                    yield from _texts(node.args[GIVES[node.func.id] :])


def _texts(arguments: list[ast.expr]) -> Iterator[str]:
    for one in arguments[:1]:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
        if isinstance(one, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in one.values)
            yield text.replace("missing7", "missing; is the header in another row?")


def test_there_are_many() -> None:
    assert len(set(reasons())) > 40


@pytest.mark.parametrize("english", sorted(set(reasons())))
def test_a_reason_is_said_in_chinese(english: str) -> None:
    said = reason(english, "zh")
    assert not re.search(r"[a-z]{3}", NAMES.sub("", said)), said
    assert reason(english, "en") == english


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({"BJBH": "text"}, "BJBH 原是文本，现在是数字"),
        ({"BJBH": "bytes"}, "BJBH 原是二进制，现在是数字"),
        ({"FY": "number", "GX SJ": "time"}, "少了列 FY；少了列 GX SJ；多了列 BJBH"),
    ],
)
def test_what_became_of_a_table_is_said_in_chinese(before: dict[str, str], said: str) -> None:
    now = Shape("table BJ", sa.table("bj"), (Column("bjbh", "BJBH", sa.Integer(), True),))
    for where, there in (("feed case (table BJ)", "feed case（表 BJ）"), ("feed case (the query)", "feed case（查询）")):
        with pytest.raises(SourceFailed) as caught:
            compare(before, now, where)
        told = f"the hub was told to stop; {caught.value.message}; the feeds behind it wait: step, end"
        assert reason(told, "zh") == f"中枢收到了停止的命令；{there}：{said}；排在后面的 feed 在等：step，end"


@pytest.mark.parametrize("other", ["SQRZJHM: certificate", "抽查退回 省级抽查不合格", "", "applyer_name: length, legal: required"])
def test_what_is_no_such_reason_stays(other: str) -> None:
    assert reason(other, "zh") == other


def test_what_somebody_named_is_never_changed() -> None:
    assert reason("row 3.csv, line 2: column 1 line 9: not of the form a{x}, b", "zh") == (
        "row 3.csv，第 2 行：第 1 列 line 9：不是约定的样子 a{x}，b"
    )
