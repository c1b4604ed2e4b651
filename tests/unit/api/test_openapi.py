"""OpenAPI tells every operation's answer and its errors; the manual page is made from it and loads nothing."""

from __future__ import annotations

import re
from typing import Any

from tests.asgi import Asker


def operations(openapi: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", one)
        for path, methods in openapi["paths"].items()
        for method, one in methods.items()
        if path.startswith("/api/v1") or path == "/-/reload"
    ]


def test_every_operation_has_a_summary_an_answer_form_and_a_problem_form(api: Asker) -> None:
    openapi = api.get("/openapi.json").json()
    assert openapi["openapi"].startswith("3.1")
    for name, one in operations(openapi):
        assert one["summary"], name
        good = next(answer for status, answer in one["responses"].items() if status.startswith("2"))
        schema = good["content"]["application/json"]["schema"]
        assert "$ref" in schema or "anyOf" in schema, name
        for status in ("default", "422"):
            problem = one["responses"].get(status, one["responses"]["default"])["content"]
            assert problem == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, (name, status)


def test_every_form_is_told_in_words(api: Asker) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    for name in ("RunOut", "DeliveryOut", "SystemOut", "RunWish", "RetryWish", "HoldWish", "Problem"):
        assert schemas[name]["description"]


def test_the_manual_names_every_operation_and_loads_nothing(api: Asker) -> None:
    page = api.get("/docs").text
    for path in api.get("/openapi.json").json()["paths"]:
        assert path in page
    assert not re.search(r"(src|href)=\"?(https?:)?//", page)
    assert "<script" not in page
