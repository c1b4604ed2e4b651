"""The county's sub-site answers only who signs, and only what it knows; without a province it shows what nobody took away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from hub.sandbox.farside import Ground
from hub.sandbox.twins.jpaas import signature
from hub.sandbox.twins.subsite import PATH, PUBLISHED_ID, SubsiteTwin
from hub.sandbox.web import Request

EVERYTHING = {"Since": "2016-01-01 00:00:00", "PageNo": 1, "PageSize": 50}


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[SubsiteTwin]:
    twin = SubsiteTwin.on(Ground(tmp_path))
    twin.create()
    yield twin
    twin.stop()


def ask(twin: SubsiteTwin, content: Any, interface: str = PUBLISHED_ID, secret: str | None = None) -> dict[str, Any]:
    plain = {"app_id": twin.wire.app_id, "interface_id": interface, "version": "1.0", "charset": "UTF-8", "origin": "1"}
    fields = plain | {"biz_content": orjson.dumps(content).decode(), "timestamp": str(int(time.time() * 1000))}
    fields["sign"] = signature(fields, secret or twin.wire.secret)
    answer = twin.answer(Request("POST", PATH, "", {}, urlencode(fields).encode()), None)
    said: dict[str, Any] = orjson.loads(orjson.loads(answer.body)["data"])
    return said


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "another"}, "4010"),
        ({"interface": "zx_case_apply"}, "4001"),
        ({"content": EVERYTHING | {"PageSize": 51}}, "4001"),
        ({"content": EVERYTHING | {"Since": "2016"}}, "4001"),
    ],
)
def test_what_is_asked_wrongly_is_refused(twin: SubsiteTwin, changes: dict[str, Any], code: str) -> None:
    assert ask(twin, **{"content": EVERYTHING, **changes})["code"] == code
    assert twin.stats()["refused"] == {code: 1}


def test_without_a_province_only_the_stale_item_is_shown(twin: SubsiteTwin) -> None:
    assert twin.work() == 0
    (row,) = ask(twin, EVERYTHING)["rows"]
    assert row["TaskCode"] == twin.stale and len(twin.stale) == 31
    assert twin.offered() == [("published", row["RowGuid"])]
