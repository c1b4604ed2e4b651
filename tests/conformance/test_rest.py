"""The rest adapter passes the conformance kit, as sink and as source, against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance import SinkConformance, SourceConformance
from adapters.rest import RestAdapter
from hub.model import Json, Message
from tests.integration.http_peer import Peer, Received, Reply, said


def rest(**options: Any) -> RestAdapter:
    return RestAdapter(RestAdapter.options.model_validate(options), system="city")  # type: ignore[arg-type]


class CityPlatform:
    """A far side that keeps rows, knows duplicates by their idempotency key, and refuses a row without number."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, Mapping[str, Json]]] = {}
        self.lock = Lock()

    def __call__(self, request: Received) -> Reply:
        if request.method == "GET":
            return said({"found": request.query["key"] in {key for key, _ in self.rows.values()}})
        with self.lock:
            entries = request.json.get("rows", [request.json])
            results = [self._take(entry) for entry in entries]
        return said({"results": results} if "rows" in request.json else results[0])

    def _take(self, entry: dict[str, Any]) -> dict[str, Any]:
        if not entry["data"]["number"]:
            return {"key": entry["key"], "code": 500, "msg": "编号不能为空"}
        known = entry["id"] in self.rows
        self.rows.setdefault(entry["id"], (entry["key"], entry["data"]))
        return {"key": entry["key"], "code": 409 if known else 200}


ENTRY = {"id": "$idempotency_key", "key": "$key", "data": "$body"}
RULES = [
    {"path": "code", "equals": 200, "means": "taken"},
    {"path": "code", "equals": 409, "means": "duplicate"},
    {"path": "code", "equals": 500, "means": "rejected", "said": "msg"},
]
FIND = {
    "path": "/cases",
    "query": {"key": "$key"},
    "answers": [{"path": "found", "equals": True, "means": "taken"}, {"path": "found", "equals": False, "means": "missing"}],
}


class RestSink(SinkConformance):
    endpoint, text = "accept", "applicant"
    shape: Mapping[str, Any]

    @pytest.fixture(autouse=True)
    def far_side(self) -> Iterator[None]:
        self.city = CityPlatform()
        with Peer() as self.peer:
            self.peer.answer = self.city
            yield

    def adapter(self) -> RestAdapter:
        endpoint = {"path": "/cases", "idempotent": True, "find": FIND, **self.shape}
        return rest(base_url=self.peer.url, connect_tries=1, endpoints={"accept": endpoint})

    def body(self, n: int) -> dict[str, Json]:
        return {"number": f"62112500{n:05d}", "applicant": f"张{n}"}

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return list(self.city.rows.values())

    def refuse(self, message: Message) -> Message:
        return self.message(message.id, message.lane, number="")

    def go_down(self) -> None:
        self.peer.go_down()

    def come_back(self) -> None:
        self.peer.come_back()


class TestRestOneByOne(RestSink):
    #: One message a send: there is no window for a lane to be ordered in.
    leaves_out: ClassVar[frozenset[str]] = frozenset(
        {
            "test_one_lane_keeps_its_order",
            "test_a_lane_stops_at_its_first_failure",
            "test_other_lanes_go_on",
            "test_the_same_messages_in_other_windows",
        }
    )
    shape = {"template": ENTRY, "answers": RULES}


class TestRestInBatches(RestSink):
    shape = {
        "template": {"rows": "$items"},
        "batch": {"size": 20, "item": ENTRY, "results": "results", "match": "key", "answers": RULES},
    }


class TestRestSource(SourceConformance):
    kind = "case"

    @pytest.fixture(autouse=True)
    def far_side(self) -> Iterator[None]:
        self.kept: list[dict[str, Any]] = []
        with Peer() as self.peer:
            self.peer.answer = self.answer
            yield

    def answer(self, request: Received) -> Reply:
        first = request.query.get("since", "")
        found = sorted((row for row in self.kept if row["at"] >= first), key=lambda row: (row["at"], row.get("id", "")))
        at = 10 * (int(request.query["page"]) - 1)
        return Reply(200, json.dumps({"rows": found[at : at + 10]}).encode())

    def adapter(self) -> RestAdapter:
        next_ = {"by": "time", "time": "at", "format": "%Y-%m-%d %H:%M:%S", "overlap": "1s", "size": 10}
        feed = {"path": "/cases", "query": {"since": "$cursor", "page": "$page"}, "items": "rows", "key": "id", "next": next_}
        return rest(base_url=self.peer.url, connect_tries=1, feeds={"case": feed})

    def _time(self, n: int) -> str:
        return f"2016-12-13 {9 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}"

    def rows(self, n: int, *, same_time: bool = False) -> list[str]:
        first = len(self.kept)
        times = [self._time(first - 1 if same_time and first else first if same_time else first + i) for i in range(n)]
        added = [{"id": f"K{first + i:05d}", "at": time, "name": f"张{i}"} for i, time in enumerate(times)]
        self.kept += added
        return [row["id"] for row in added]

    def spoil(self) -> None:
        self.kept.append({"at": self._time(len(self.kept)), "name": "no key"})

    def change(self, key: str) -> None:
        row = next(row for row in self.kept if row["id"] == key)
        row.update(name="changed", at=self._time(len(self.kept) + 1))

    def go_down(self) -> None:
        self.peer.go_down()

    def come_back(self) -> None:
        self.peer.come_back()
