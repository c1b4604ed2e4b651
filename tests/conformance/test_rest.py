"""The rest adapter passes the conformance kit, as sink and as source, against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance import FeedbackConformance, SinkConformance, SourceConformance
from adapters.rest import RestAdapter
from hub.model import Json, Judgement, Message, Verdict
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


class TestRestOfTexts(TestRestInBatches):
    """What a far side has to say stands as JSON text inside its answer."""

    def adapter(self) -> RestAdapter:
        self.peer.answer = lambda request: worded(self.city(request))
        batch = {**self.shape["batch"], "results": "/data/results"}
        answers = [{**answer, "path": f"/data/{answer['path']}"} for answer in FIND["answers"]]
        endpoint = {"path": "/cases", "idempotent": True, "find": {**FIND, "answers": answers}, **self.shape, "batch": batch}
        return rest(base_url=self.peer.url, connect_tries=1, documents=[{"at": "/data"}], endpoints={"accept": endpoint})


def worded(reply: Reply) -> Reply:
    """Put an answer as text into another one."""
    return said({"success": True, "data": reply.body.decode()}, reply.status)


class TestRestSource(SourceConformance):
    kind = "case"
    options: ClassVar[Mapping[str, Any]] = {}
    items = "rows"

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
        feed = {"path": "/cases", "query": {"since": "$cursor", "page": "$page"}, "items": self.items, "key": "id", "next": next_}
        return rest(base_url=self.peer.url, connect_tries=1, feeds={"case": feed}, **self.options)

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


class TestRestSourceOfTexts(TestRestSource):
    options: ClassVar[Mapping[str, Any]] = {"documents": [{"at": "/data"}]}
    items = "/data/rows"

    def answer(self, request: Received) -> Reply:
        return worded(super().answer(request))


class RestFeedback(FeedbackConformance):
    """A platform that lists its verdicts seven at a time."""

    @pytest.fixture(autouse=True)
    def far_side(self) -> Iterator[None]:
        self.listed: list[dict[str, Any]] = []
        with Peer() as self.peer:
            self.peer.answer = self.answer
            yield

    def answer(self, request: Received) -> Reply:
        raise NotImplementedError

    def listing(self) -> dict[str, Any]:
        """Return how the list goes on."""
        raise NotImplementedError

    def adapter(self) -> RestAdapter:
        rules = [
            {"path": "result", "equals": "N", "means": "rejected", "said": "why"},
            {"path": "result", "equals": "Y", "means": "confirmed"},
        ]
        names = {"endpoint": "accept", "row": "row", "batch": "batch", "key": "no"}
        feedback = {"path": "/verdicts", "items": "/rows", **names, "verdicts": rules, **self.listing()}
        endpoints = {"accept": {"path": "/cases"}}
        return rest(base_url=self.peer.url, connect_tries=1, endpoints=endpoints, feedback={"review": feedback})

    def judge(self, n: int) -> list[Verdict]:
        return [self._one("NY"[number % 2]) for number in range(n)]

    def undecided(self) -> None:
        self._one("")

    def _one(self, result: str) -> Verdict:
        no = len(self.listed) + 1
        why = f"第{no}条不通过" if result == "N" else ""
        at = f"2016-12-13 09:00:{no // 4:02d}"
        self.listed.append(
            {
                "about": "zx_accept",
                "no": f"{no:05d}",
                "at": at,
                "row": f"R{no:05d}",
                "batch": f"B{no}",
                "result": result,
                "why": why,
            }
        )
        means = Judgement.REJECTED if result == "N" else Judgement.CONFIRMED
        return Verdict("accept", f"R{no:05d}", f"B{no}", means, why)

    def go_down(self) -> None:
        self.peer.go_down()

    def come_back(self) -> None:
        self.peer.come_back()


class TestRestFeedbackByNumber(RestFeedback):
    def answer(self, request: Received) -> Reply:
        since = int(request.query["since"])
        found = self.listed[since : since + 7]
        return said({"rows": found, "next": since + len(found)})

    def undecided(self) -> None:
        """A row without a verdict, and a verdict about an interface that is not ours."""
        super().undecided()
        self._one("N")
        self.listed[-1]["about"] = "zx_item"

    def listing(self) -> dict[str, Any]:
        about = {"at": "/about", "names": {"zx_accept": "accept"}}
        return {"endpoint": about, "query": {"since": "$cursor"}, "start": "0", "next": {"by": "field", "path": "/next"}}


class TestRestFeedbackByTime(RestFeedback):
    def answer(self, request: Received) -> Reply:
        found = [one for one in self.listed if one["at"] >= request.query.get("since", "")]
        return said({"rows": found[:7]})

    def listing(self) -> dict[str, Any]:
        form = "%Y-%m-%d %H:%M:%S"
        return {"query": {"since": "$cursor"}, "next": {"by": "time", "time": "at", "format": form, "overlap": "1s", "size": 7}}
