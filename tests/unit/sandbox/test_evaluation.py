"""The evaluation platform judges signature, clock and content."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hub.sandbox.national import now
from hub.sandbox.twins.evaluation import PATH, EvaluationTwin, signature
from hub.sandbox.web import Request

GOOD = {
    "evaluateId": "a1", "projectNo": "B1", "pf": "4", "deptCode": "1162112500HUB00170", "proDepart": "漳县民政局",
    "taskCode": "1162112500HUB001704622010001000", "taskName": "参保登记", "proStatus": "3", "userName": "张桂兰", "userProp": "1",
    "userPageType": "111", "satisfaction": "1", "assessTime": "2025-06-03 09:00:00", "assessNumber": "1", "serviceNumber": "1",
    "dataSource": "621", "certKey": "d5" * 32,
}  # fmt: skip


def send(twin: EvaluationTwin, content: Any, **changes: str) -> dict[str, Any]:
    stamp = changes.pop("time", now().strftime("%Y%m%d%H%M%S"))
    envelope = {"params": content, "time": stamp, "appMark": twin.mark, "sign": signature(stamp, twin.mark, twin.word)} | changes
    body = orjson.dumps({"txnBodyCom": envelope, "txnCommCom": {}})
    told: dict[str, Any] = orjson.loads(twin.answer(Request("POST", PATH, "", {}, body), None).body)
    assert (told["C-Response-Desc"] == "success") is (told["C-Response-Body"]["code"] == "200")
    return dict(told["C-Response-Body"])


def test_a_rating_is_taken_once() -> None:
    twin = EvaluationTwin()
    first, second = send(twin, GOOD), send(twin, GOOD)
    assert first["evaluateUnid"] == second["evaluateUnid"] and len(twin.held()) == 1


@pytest.mark.parametrize("changes", [{"sign": "0"}, {"appMark": "other"}, {"time": "20160101000000"}])
def test_strangers_and_wrong_clocks_are_turned_away(changes: dict[str, str]) -> None:
    assert send(EvaluationTwin(), GOOD, **changes)["code"] == "401"


@pytest.mark.parametrize(
    "changes",
    [
        {"satisfaction": "6"},
        {"satisfaction": "5"},
        {"pf": ""},
        {"other": "1"},
        {"certKey": ""},
        {"certKey": "621125190503120020"},
        {"promisetime": "9"},
        {"handleUserPageType": "113"},
        {"taskCode": "1"},
        {"assessTime": "2099-01-01 00:00:00"},
    ],
)
def test_content_that_is_not_sound_is_refused(changes: dict[str, str]) -> None:
    twin = EvaluationTwin()
    assert send(twin, GOOD | changes)["code"] == "400" and not twin.held()
