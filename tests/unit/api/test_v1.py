"""What programs ask of /api/v1 and what they are told; never a body, never a record."""

from __future__ import annotations

import pytest

from hub import __version__
from hub.engine.service import Service
from hub.model import State
from hub.store import gate, runs, schema, systems, views, workers
from tests.asgi import Asker

WHO = {"actor": "operator", "reason": "test"}


def test_runs_are_paged_newest_first(api: Asker, service: Service) -> None:
    for _ in range(3):
        with service.store.writing() as connection:
            number = runs.ask(connection, "local", runs.Trigger.CLI, "test", service.exchange.clock())
            runs.end(connection, number, runs.RunState.DONE, service.exchange.clock())
    first = api.get("/api/v1/runs", params={"limit": 2}).json()
    assert [run["id"] for run in first["items"]] == [4, 3]
    second = api.get("/api/v1/runs", params={"limit": 2, "cursor": first["next"]}).json()
    assert ([run["id"] for run in second["items"]], second["next"]) == ([2, 1], None)
    assert second["items"][1]["adds_up"] is True
    assert second["items"][1]["read"] == 3


def test_a_run_is_asked_for_and_found_at_its_location(api: Asker) -> None:
    answer = api.post("/api/v1/runs", json={"source": "local"})
    assert answer.status_code == 202
    run = api.get(answer.headers["Location"]).json()
    assert (run["id"], run["state"], run["trigger"]) == (answer.json()["id"], "asked", "api")


def test_the_same_key_asks_for_the_same_run_even_after_it_ended(api: Asker, service: Service) -> None:
    key = {"Idempotency-Key": "k1"}
    first = api.post("/api/v1/runs", json={"source": "local"}, headers=key).json()["id"]
    with service.store.writing() as connection:
        runs.end(connection, first, runs.RunState.DONE, service.exchange.clock())
    again = api.post("/api/v1/runs", json={"source": "local"}, headers=key)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, first, "done")
    assert api.post("/api/v1/runs", json={"source": "local"}, headers={"Idempotency-Key": "k2"}).json()["id"] != first


def test_the_same_key_for_another_wish_is_refused(api: Asker) -> None:
    key = {"Idempotency-Key": "k1"}
    api.post("/api/v1/runs", json={"source": "local"}, headers=key)
    other = api.post("/api/v1/runs", json={"source": "local", "full": True}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "HUB-X-116")
    assert len(api.get("/api/v1/runs").json()["items"]) == 2


def test_a_key_and_its_run_are_written_together_or_not_at_all(
    api: Asker, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise RuntimeError("power cut before the key was written")

    monkeypatch.setattr("hub.store.cursors.put", lost)
    assert api.post("/api/v1/runs", json={"source": "local"}, headers={"Idempotency-Key": "k1"}).status_code == 500
    with service.store.reading() as connection:
        assert runs.unfinished(connection, "local") == []


def test_deliveries_by_state_and_one_with_its_tries(api: Asker) -> None:
    delivered = api.get("/api/v1/deliveries", params={"state": "delivered", "system": "city"}).json()["items"]
    assert [(one["key"], one["state"]) for one in delivered] == [("A1-1", "delivered"), ("A1", "delivered")]
    one = api.get(f"/api/v1/deliveries/{delivered[0]['id']}").json()
    assert [(tried["number"], tried["outcome"]) for tried in one["tried"]] == [(1, "taken")]


def test_no_answer_holds_what_was_read_or_sent(api: Asker) -> None:
    dead = api.get("/api/v1/deliveries", params={"state": "dead"}).json()["items"][0]["id"]
    pages = ["deliveries", f"deliveries/{dead}", "cases/A1", "cases/A2", "dead", "systems", "runs"]
    told = "".join(api.get(f"/api/v1/{page}").text for page in pages)
    assert "A2" in told
    assert "名字过长的" not in told
    assert "甲某某" not in told


def test_the_life_of_a_case(api: Asker) -> None:
    life = api.get("/api/v1/cases/A1").json()
    assert [one["route"] for one in life["deliveries"]] == ["city-accept", "city-process"]
    assert len(life["attempts"]) == 2
    assert api.get("/api/v1/cases/none").status_code == 404


@pytest.mark.parametrize("nothing", [{"actor": " "}, {"reason": " \u3000\n"}])
def test_a_decision_needs_a_name_and_a_reason(api: Asker, service: Service, nothing: dict[str, str]) -> None:
    number = at_gate(service)
    wish = {**WHO, "ids": [number], "state": "pending", "confirm": True, **nothing}
    assert api.post("/api/v1/deliveries/decide", json=wish).status_code == 422
    assert api.get(f"/api/v1/deliveries/{number}").json()["state"] == "held"


@pytest.mark.parametrize(("state", "ends"), [("pending", "pending"), ("delivered", "delivered"), ("cancelled", "cancelled")])
def test_held_deliveries_are_counted_and_then_decided(api: Asker, service: Service, state: str, ends: str) -> None:
    with service.store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(state="held"))
        number = views.deliveries(connection, states=[State.HELD])[0].id
    wish = {**WHO, "ids": [number], "state": state}
    assert api.post("/api/v1/deliveries/decide", json=wish).json() == {"would_touch": 1, "samples": [number]}
    done = api.post("/api/v1/deliveries/decide", json={**wish, "confirm": True}).json()
    assert done == {"decided": 1, "state": ends, "not_waiting": []}
    assert api.get(f"/api/v1/deliveries/{number}").json()["state"] == ends


def at_gate(service: Service) -> int:
    """Let one delivery wait for an approval, and return its number."""
    waits = {name: str(value) for name, value in gate.standing("县审改办").items()}
    with service.store.writing() as connection:
        connection.execute(schema.delivery.update().where(schema.delivery.c.key == "A1-1").values(**waits))
        return views.deliveries(connection, states=[State.HELD])[0].id


def test_what_waits_for_approval_says_whose_and_how_it_was_decided(api: Asker, service: Service) -> None:
    number = at_gate(service)
    assert api.get(f"/api/v1/deliveries/{number}").json()["approver"] == "县审改办"
    assert api.get("/api/v1/systems/city").json()["gates"]["县审改办"]["count"] == 1
    wish = {"actor": "王某", "reason": "依据齐全", "ids": [number], "state": "pending", "confirm": True}
    assert api.post("/api/v1/deliveries/decide", json=wish).json() == {"decided": 1, "state": "pending", "not_waiting": []}
    (made,) = api.get(f"/api/v1/deliveries/{number}").json()["decisions"]
    assert (made["actor"], made["gate"], made["approved"], made["reason"]) == ("王某", "县审改办", True, "依据齐全")
    assert api.get("/api/v1/cases/A1").json()["decisions"] == [made]
    assert api.post("/api/v1/deliveries/decide", json=wish).json() == {"decided": 0, "state": "pending", "not_waiting": [number]}


@pytest.mark.parametrize("state", ["pending", "cancelled"])
def test_an_approval_must_name_what_it_approves(api: Asker, service: Service, state: str) -> None:
    number = at_gate(service)
    answer = api.post("/api/v1/deliveries/decide", json={**WHO, "system": "city", "state": state, "confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "HUB-X-126")
    assert api.get(f"/api/v1/deliveries/{number}").json()["state"] == "held"


def test_a_system_is_paused_and_resumed_with_a_name_and_a_reason(api: Asker, service: Service) -> None:
    paused = api.post("/api/v1/systems/city/pause", json=WHO).json()
    assert (paused["open"], paused["standing"]["paused_by"], paused["standing"]["reason"]) == (False, "operator", "test")
    with service.store.reading() as connection:
        assert systems.standing(connection, "city").paused
    assert api.post("/api/v1/systems/city/resume", json=WHO).json()["open"] is True
    assert api.post("/api/v1/systems/city/pause", json={"actor": "x"}).status_code == 422


def test_systems_tell_contact_and_backlog(api: Asker) -> None:
    city = next(one for one in api.get("/api/v1/systems").json()["items"] if one["name"] == "city")
    assert (city["contact"], city["backlog"]["dead"]["count"]) == ("市大数据局", 1)
    assert api.get("/api/v1/systems/city").json() == city


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/systems/ctiy", None),
        ("GET", "/api/v1/deliveries?system=ctiy", None),
        ("GET", "/api/v1/dead?system=ctiy", None),
        ("POST", "/api/v1/systems/ctiy/pause", WHO),
        ("POST", "/api/v1/dead/retry", {**WHO, "system": "ctiy"}),
    ],
)
def test_a_misspelt_system_is_a_404_with_a_suggestion(api: Asker, method: str, path: str, body: object) -> None:
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["hint"]) == (404, "HUB-X-102", "did you mean city?")


def test_workers_are_told_with_what_they_are_at_and_one_that_is_not_alike_is_flagged(api: Asker, service: Service) -> None:
    assert api.get("/api/v1/workers").json() == {"items": []}
    digest = service.exchange.settings.digest
    with service.store.writing() as connection:
        for name, version in (("a", __version__), ("b", "99.0.0")):
            workers.beat(connection, name, version=version, digest=digest, host="h", pid=1, holds=["deliver:city:0"])
    told = {one["name"]: one for one in api.get("/api/v1/workers").json()["items"]}
    assert {name: one["warning"] for name, one in told.items()} == {"a": None, "b": "HUB-E-142"}
    assert told["a"]["holds"] == ["deliver:city:0"]
