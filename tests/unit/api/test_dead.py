"""Dead letters over HTTP: groups with names, counted first, dealt with once, and never a word of what they hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hub.engine.service import Service
from hub.model import State
from hub.store import schema, views
from tests import configs, working
from tests.asgi import Asker

WHO = {"actor": "operator", "reason": "test"}


def group(api: Asker) -> dict[str, Any]:
    """Return the only group there is."""
    (one,) = api.get("/api/v1/dead", params={"system": "city"}).json()["items"]
    return dict(one)


def widened(service: Service, here: Path) -> None:
    """Let the mapping make a body of what could not be mapped."""
    configs.put(here, "mappings/contracts/city/accept.yaml", configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 20"))
    service.exchange.settings = working.settings_of(here)


def actions_of(service: Service) -> list[tuple[str, str, int]]:
    with service.store.reading() as connection:
        return [(row.actor, row.action, row.count) for row in connection.execute(schema.journal.select())]


def test_dead_letters_are_grouped_counted_and_only_then_retried(api: Asker, service: Service) -> None:
    one = group(api)
    assert (one["count"], one["stage"], one["code"]) == (1, "map", "HUB-M-103")
    wish = {**WHO, "system": "city", "cause": one["reason"]}
    assert api.post("/api/v1/dead/retry", json=wish).json() == {"would_touch": 1, "samples": [one["sample"]]}
    assert group(api)["count"] == 1
    done = api.post("/api/v1/dead/retry", json={**wish, "remap": True, "confirm": True}).json()
    assert done == {"retried": 0, "still_unmappable": 1}
    assert [actor for actor, _, _ in actions_of(service)] == ["operator"]


def test_a_retry_needs_a_scope(api: Asker) -> None:
    answer = api.post("/api/v1/dead/retry", json={**WHO, "confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "HUB-X-120")


def test_groups_are_paged_and_each_lists_its_dead_letters(api: Asker, service: Service) -> None:
    with service.store.writing() as connection:
        refused = {"state": "dead", "stage": "send", "code": "HUB-D-115", "reason": "refused: #"}
        connection.execute(schema.delivery.update().where(schema.delivery.c.key.startswith("A1")).values(**refused))
    first = api.get("/api/v1/dead", params={"limit": 1}).json()
    assert ([one["count"] for one in first["items"]], first["next"]) == ([2], 2)
    second = api.get("/api/v1/dead", params={"limit": 1, "cursor": first["next"]}).json()
    assert ([one["count"] for one in second["items"]], second["next"]) == ([1], None)
    name = first["items"][0]["group"]
    page = api.get(f"/api/v1/dead/{name}", params={"limit": 1}).json()
    assert [one["key"] for one in page["items"]] == ["A1-1"]
    rest = api.get(f"/api/v1/dead/{name}", params={"limit": 1, "cursor": page["next"]}).json()
    assert ([one["key"] for one in rest["items"]], rest["next"]) == (["A1"], None)


def test_a_group_is_retried_by_its_name(api: Asker, service: Service, here: Path) -> None:
    widened(service, here)
    wish = {**WHO, "groups": [group(api)["group"]], "remap": True}
    assert api.post("/api/v1/dead/retry", json=wish).json()["would_touch"] == 1
    done = api.post("/api/v1/dead/retry", json={**wish, "confirm": True}).json()
    assert done == {"retried": 1, "still_unmappable": 0}


@pytest.mark.parametrize("path", ["dead/g00000000", "dead/retry"])
def test_a_group_that_is_not_there_is_a_problem(api: Asker, path: str) -> None:
    wish = {**WHO, "groups": ["g00000000"], "confirm": True}
    answer = api.post(f"/api/v1/{path}", json=wish) if path.endswith("retry") else api.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "HUB-X-111")


def test_the_same_key_that_comes_several_times_at_once_retries_once(api: Asker, service: Service, here: Path) -> None:
    widened(service, here)
    wish = {**WHO, "groups": [group(api)["group"]], "remap": True, "confirm": True}
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(api.post, "/api/v1/dead/retry", json=wish, headers={"Idempotency-Key": "k1"}) for _ in range(6)]
    assert [one.result().json() for one in asked] == [{"retried": 1, "still_unmappable": 0}] * 6
    assert actions_of(service) == [("operator", "retry:remap", 1)]


def test_the_same_key_retries_once_and_is_answered_the_same(api: Asker, service: Service, here: Path) -> None:
    widened(service, here)
    wish = {**WHO, "groups": [group(api)["group"]], "remap": True, "confirm": True}
    answers = [api.post("/api/v1/dead/retry", json=wish, headers={"Idempotency-Key": "k1"}).json() for _ in range(2)]
    assert answers == [{"retried": 1, "still_unmappable": 0}] * 2
    assert actions_of(service) == [("operator", "retry:remap", 1)]
    other = api.post("/api/v1/dead/retry", json={**wish, "reason": "another"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "HUB-X-116")


def test_purge_counts_first_and_leaves_the_fact(api: Asker, service: Service) -> None:
    one = group(api)
    wish = {**WHO, "groups": [one["group"]]}
    assert api.post("/api/v1/dead/purge", json=wish).json()["would_touch"] == 1
    done = api.post("/api/v1/dead/purge", json={**wish, "confirm": True}).json()
    assert done == {"purged": 1, "bodies": 0, "records": 0}
    told = api.get(f"/api/v1/deliveries/{one['sample']}").json()
    assert (told["state"], told["reason"]) == ("cancelled", "test")
    with service.store.reading() as connection:
        assert len(views.deliveries(connection, states=[State.CANCELLED])) == 1


def test_purge_does_not_take_everything(api: Asker) -> None:
    assert api.post("/api/v1/dead/purge", json={**WHO, "everything": True, "confirm": True}).status_code == 422
