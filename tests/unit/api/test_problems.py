"""Every error of the API is a problem document with a code that the catalogue explains (RFC 9457)."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.exc import OperationalError

from hub import catalogue
from hub.engine.service import Service
from tests.asgi import Asker


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", None, 404, "HUB-X-111"),
        ("GET", "/api/v1/runs/99", None, 404, "HUB-X-111"),
        ("GET", "/api/v1/deliveries/99", None, 404, "HUB-X-111"),
        ("DELETE", "/api/v1/runs", None, 405, "HUB-X-112"),
        ("GET", "/api/v1/runs?limit=0", None, 422, "HUB-X-114"),
        ("GET", "/api/v1/runs?cursor=x", None, 422, "HUB-X-114"),
        ("POST", "/api/v1/runs", {"source": "local", "fulll": True}, 422, "HUB-X-114"),
        ("POST", "/api/v1/runs", {"source": "locla"}, 404, "HUB-X-102"),
        ("POST", "/api/v1/dead/retry", {"actor": "a", "reason": "b"}, 422, "HUB-X-120"),
    ],
)
def test_an_error_is_a_problem(api: Asker, method: str, path: str, body: object, status: int, code: str) -> None:
    answer = api.request(method, path, json=body)
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (told["status"], told["code"], told["type"]) == (status, code, f"urn:hub:{code}")
    assert catalogue.explain(code) is not None
    assert told["title"]
    assert set(told["remedy"]) == {"zh", "en"}


def test_what_was_sent_is_not_repeated(api: Asker) -> None:
    assert "62112519900101001X" not in api.post("/api/v1/runs", json={"source": ["62112519900101001X"]}).text


def test_a_bug_is_a_500_that_quotes_nothing_and_is_found_in_the_log(
    api: Asker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("甲某某 secret")

    monkeypatch.setattr("hub.store.groups.unfolded", broken)
    with caplog.at_level(logging.ERROR):
        answer = api.get("/api/v1/dead")
    told = answer.json()
    assert (answer.status_code, told["code"], answer.headers["content-type"]) == (500, "HUB-X-117", "application/problem+json")
    assert "secret" not in answer.text
    number = told["instance"].rpartition(":")[2]
    assert number in [getattr(record, "instance", "") for record in caplog.records]


def test_a_store_that_does_not_answer_is_a_503(api: Asker, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr("hub.store.groups.unfolded", silent)
    answer = api.get("/api/v1/dead")
    assert (answer.status_code, answer.json()["code"]) == (503, "HUB-X-118")
