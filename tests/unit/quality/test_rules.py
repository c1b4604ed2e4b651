"""The catalogue, the vocabulary and the code name the same rules, lines and fields."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import yaml

import hub.quality
from hub.mapping import Severity
from hub.mapping.issues import NUMBERS
from hub.quality import catalogue
from hub.quality.facts import OF_A_CASE
from hub.settings.vocabulary import PARTS, SourceParts
from tests.unit.quality.building import part

MAPPINGS = Path(hub.quality.__file__).parents[2] / "mappings"
SOURCES = "\n".join(path.read_text("utf-8") for path in Path(hub.quality.__file__).parent.glob("*.py"))
#: docs of the field: the proposed catalogue, whole.
PROPOSED = [
    *(f"F0{n}" for n in range(1, 8)),
    *(f"T0{n}" for n in range(1, 6)),
    *(f"C0{n}" for n in range(1, 9)),
    "D01",
    "D02",
    "D03",
    "R01",
    "R02",
]


def test_every_proposed_rule_is_there() -> None:
    assert list(catalogue()) == PROPOSED


def test_every_line_the_code_finds_is_in_the_catalogue_and_the_other_way_round() -> None:
    named = set(re.findall(r'"([TCDR]\d\d)", "([a-z-]+)"', SOURCES))
    overdue = {("T04", "overdue"), ("T04", "overdue-open")}  # one expression gives both
    assert named | overdue == {(number, line) for number, rule in catalogue().items() for line in rule.lines}


def test_numbers_of_issues_are_rules() -> None:
    assert set(NUMBERS.values()) <= catalogue().keys()


def test_a_check_that_carries_a_warning_only_warns() -> None:
    found = 0
    for path in sorted(MAPPINGS.glob("*/*.yaml")):
        for check in yaml.safe_load(path.read_text("utf-8")).get("checks", ()):
            if catalogue()[check["id"]].severity is Severity.WARN:
                shipped = check.get("severity", "warn" if check["check"] == "filler" else "block")  # as the checks' own defaults
                assert shipped == "warn", f"{path.name}: {check['id']} warns, the check blocks"
                found += 1
    assert found


def test_a_rule_that_needs_records_names_parts() -> None:
    for rule in catalogue().values():
        assert set(rule.needs) <= PARTS.keys()
        assert all(line.severity in Severity for line in rule.lines.values())
        assert all([rule.zh, rule.en, rule.meaning, rule.where, rule.origin])


def test_facts_stand_as_the_vocabulary_names_them() -> None:
    assert list(SourceParts.model_fields) == list(PARTS)
    for name, kind in OF_A_CASE.items():
        assert [one.name for one in fields(kind)[1:]] == [one for one in PARTS[name].paths if one != "number"], name
        assert part(name).part == name
