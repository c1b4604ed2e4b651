"""`hub explain` tells what a code means; `hub schema` prints what editors need."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest


def test_a_code_is_explained_in_either_language(hub: Any) -> None:
    zh, en = hub("explain", "hub-c-131"), hub("explain", "HUB-C-131", "--lang", "en")
    assert (zh.exit_code, en.exit_code) == (0, 0)
    assert "变量" in zh.stdout
    assert "variable" in en.stdout
    assert set(json.loads(hub("explain", "HUB-C-131", "--json").stdout)) == {"code", "zh", "en"}


def test_all_codes_are_listed(hub: Any) -> None:
    lines = hub("explain").stdout.splitlines()
    assert any(line.startswith("HUB-C-131  ") for line in lines)
    assert len(lines) == len(json.loads(hub("explain", "--json").stdout))


def test_an_unknown_code(hub: Any) -> None:
    done = hub("explain", "HUB-C-999")
    assert done.exit_code == 2
    assert "HUB-X-101" in done.stderr


@pytest.mark.parametrize(
    "what", [["hub"], ["system"], ["route"], ["mapping"], ["cases"], ["contract"], ["adapter", "tests.fakes:MemoryAdapter"]]
)
def test_a_schema_is_json_schema(hub: Any, what: list[str]) -> None:
    done = hub("schema", *what)
    assert done.exit_code == 0
    jsonschema_rs.Draft202012Validator(json.loads(done.stdout))


def test_schemas_are_listed(hub: Any) -> None:
    assert "adapter rest" in hub("schema").stdout
    assert set(json.loads(hub("schema", "--json").stdout)) == {"files", "adapters"}


@pytest.mark.parametrize(
    ("what", "said"), [(["rout"], "是不是 route？"), (["adapter"], "可选："), (["adapter", "rset"], "是不是 rest？")]
)
def test_an_unknown_schema(hub: Any, what: list[str], said: str) -> None:
    done = hub("schema", *what)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
