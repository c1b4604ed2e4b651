"""Decides what one record becomes over there: a finished body, or everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections import abc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from hub.mapping.checking import Check
from hub.mapping.codes import CodeTable
from hub.mapping.compiling import Compiled
from hub.mapping.contract import Contract
from hub.mapping.issues import Issue, blocks, issue
from hub.mapping.origins import hidden
from hub.mapping.paths import dig
from hub.mapping.replacing import Replacement
from hub.mapping.spec import MappingSpec
from hub.model import Json


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a record besides its data: `$operation`, `$batch`, … `time` (aware) is when the body is made.

    `version` counts what the route was owed of this record so far: 1, 2, … (Shandong's DATAVER, Guangdong's VERSION).
    """

    operation: str = "U"
    batch: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: str = ""
    revision: str = ""
    kind: str = ""
    system: str = ""
    lane: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Mapping:
    """One compiled mapping. `source_code` is the Python it became, `digest` changes with all it depends on."""

    name: str
    spec: MappingSpec = field(repr=False)
    contract: Contract = field(repr=False)
    checks: tuple[Check, ...] = field(repr=False)
    digest: str
    source_code: str = field(repr=False)
    _run: Compiled = field(repr=False)
    replacement: Replacement | None = field(default=None, repr=False)
    personal: abc.Mapping[tuple[str, ...], str] = field(default_factory=dict, repr=False)  # fetched from personal data

    @property
    def counts_versions(self) -> bool:
        """Tell whether the body says which version of the record it is."""
        return "e.version" in self.source_code

    @property
    def title(self) -> str:
        """Return the Chinese title."""
        return self.spec.title or self.contract.title

    def apply(self, data: abc.Mapping[str, Json], envelope: Envelope) -> tuple[dict[str, Json] | None, list[Issue]]:
        """Return the body and its warnings, or None and every issue. Never raises, whatever `data` holds."""
        issues: list[Issue] = []
        if type(data) is not dict and not isinstance(data, abc.Mapping):
            return None, [issue("", "type", "the record is no object", data)]
        body = self._run(data, envelope, issues)
        body, replaced = self.replacement.apply(self.contract, body) if self.replacement else (body, ())
        wrong = self.contract.check(body)
        if self.checks:
            wrong.extend(self._checked(body, envelope))
        if issues or wrong or replaced:
            issues = [*_merged(issues, [hidden(one, self.personal) for one in wrong]), *replaced]
        return (None if issues and blocks(issues) else body), issues

    def _checked(self, body: dict[str, Json], envelope: Envelope) -> Iterator[Issue]:
        for one in self.checks:
            for path, message, severity in one.run(body, envelope.time):
                made = issue(path, one.rule, message, dig(body, tuple(path.split("."))), self.contract.label(path))
                yield replace(made, severity=severity or one.severity, id=one.id or made.id)


def _merged(mapped: list[Issue], wrong: list[Issue]) -> list[Issue]:
    """Put the issues of mapping first; what follows from them (a field that is missing because it failed) is not said twice."""
    real = {one.path for one in mapped if one.rule != "required"}
    kept = [one for one in mapped if one.rule != "required" or one.path not in real]
    told = {one.path for one in kept}
    return kept + [one for one in dict.fromkeys(wrong) if one.path not in told]


def digest(document: Json, contract: Contract, tables: list[CodeTable]) -> str:
    """Return a digest of a mapping and all it depends on."""
    parts: Any = [document, contract.digest, sorted([table.name, table.digest] for table in tables)]
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
