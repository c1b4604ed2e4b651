"""Writes small mappings directories for tests."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.errors import ConfigurationError
from hub.mapping import Envelope, Issue, Mapping, MappingSet, load
from hub.model import Finding

#: 2016-12-13 09:00 in Zhangxian.
ENVELOPE = Envelope("I", "B1", datetime(2016, 12, 13, 1, tzinfo=UTC), "K1", "R1", "case", "city", "L1")
OPEN = "type: object\n"


def written(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below `mappings/` and return that directory."""
    directory = root / "mappings"
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return directory


def small(fields: str, *, contract: str = OPEN, checks: str = "", **more: str) -> dict[str, str | bytes]:
    """Return the files of one mapping `city/it` with a contract; `fields` and `checks` are YAML, `more` other files."""
    mapping = "version: 1\ncontract: city/it\nfields:\n" + textwrap.indent(textwrap.dedent(fields).strip(), "  ") + "\n"
    if checks:
        mapping += "checks:\n" + textwrap.indent(textwrap.dedent(checks).strip(), "  ") + "\n"
    return {"city/it.yaml": mapping, "contracts/city/it.yaml": contract, **more}


def loaded(root: Path, files: dict[str, str | bytes]) -> MappingSet:
    """Load a directory that has no error."""
    return load(written(root, files))


def mapping(root: Path, fields: str, **more: Any) -> Mapping:
    """Load the one mapping `city/it`; code tables are `codes={name: rows}`."""
    tables = {f"codes/{name}.csv": f"local,target,label\n{rows}" for name, rows in more.pop("codes", {}).items()}
    return loaded(root, {**small(fields, **more), **tables}).mappings["city/it"]


def body(made: Mapping, data: dict[str, Any]) -> dict[str, Any]:
    """Apply to a record that must not have issues."""
    result, issues = made.apply(data, ENVELOPE)
    assert issues == []
    assert result is not None
    return result


def issues(made: Mapping, data: Any) -> list[Issue]:
    """Apply to a record that must not become a body."""
    result, found = made.apply(data, ENVELOPE)
    assert result is None
    return found


def told(found: list[Issue]) -> list[tuple[str, str]]:
    """Return path and rule of each issue."""
    return [(one.path, one.rule) for one in found]


def refused(root: Path, files: dict[str, str | bytes]) -> list[Finding]:
    """Load a directory that must be refused; return its findings."""
    with pytest.raises(ConfigurationError) as caught:
        load(written(root, files))
    return caught.value.findings
