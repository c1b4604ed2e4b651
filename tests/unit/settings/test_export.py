"""The schemas for editors accept what the hub accepts, and refuse misspelt keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from hub import documents, registry
from hub.settings import export
from tests import configs

ROOT = Path(__file__).parents[3]


def validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(export.FILES[name].make())


def data(text: str) -> Any:
    return documents.parse("\n".join(line.removeprefix("    ") for line in text.splitlines()), "x.yaml").data


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hub", configs.HUB),
        ("hub", f"{configs.HUB}http: {{port: '${{PORT:-8621}}', token: '${{TOKEN}}'}}"),
        ("system", configs.LOCAL),
        ("system", f"{configs.CITY}retry: [30s, 2m]\n    batch: '${{BATCH}}'"),
        ("route", configs.ROUTES),
        ("route", configs.ROUTES.replace('{path: ZT, equals: "1"}', '[{path: ZT, in: ["1"]}, {not: {path: ZT, present: true}}]')),
        ("mapping", configs.ACCEPT),
        ("mapping", configs.ACCEPT.replace("do: [trim]", "do: trim")),
        ("cases", configs.ACCEPT_CASES),
        ("contract", configs.CONTRACT_ACCEPT),
    ],
)
def test_what_the_hub_accepts_is_accepted(name: str, text: str) -> None:
    assert [error.message for error in validator(name).iter_errors(data(text))] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hub", configs.HUB.replace("title:", "titel:")),
        ("hub", f"{configs.HUB}http: {{port: many}}"),
        ("system", f"{configs.CITY}retry: [30x]"),
        ("system", f"{configs.CITY.replace('tests.fakes:MemoryAdapter', 'rest')}"),
        ("route", configs.ROUTES.replace("equals:", "equls:")),
        ("mapping", configs.ACCEPT.replace("do:", "doo:")),
        ("cases", configs.ACCEPT_CASES.replace("given:", "givn:")),
        ("contract", configs.CONTRACT_ACCEPT.replace("x-personal: name", "x-personal: nam")),
    ],
)
def test_what_the_hub_refuses_is_refused(name: str, text: str) -> None:
    assert not validator(name).is_valid(data(text))


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_built_in_adapter_has_a_schema_of_its_own(name: str) -> None:
    made = export.adapter(name)
    jsonschema_rs.Draft202012Validator(made)
    assert made["additionalProperties"] is False


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("config/hub.yaml", "hub"),
        ("config/systems/*.yaml", "system"),
        ("config/routes/*.yaml", "route"),
        ("mappings/**/*.yaml", ""),
    ],
)
def test_the_shipped_example_fits_the_schemas(pattern: str, name: str) -> None:
    for path in sorted(ROOT.glob(pattern)):
        kind = name or _kind(path.relative_to(ROOT / "mappings"))
        errors = [f"{error.instance_path}: {error.message}" for error in validator(kind).iter_errors(documents.read(path).data)]
        assert errors == [], path


def _kind(path: Path) -> str:
    if path.parts[0] in {"contracts", "schemas"}:
        return "contract"
    return "cases" if path.name.endswith(".cases.yaml") else "mapping"
