"""Proves that the shipped mappings do what their cases say, and that nothing shipped goes without cases or without use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hub import mapping
from hub.mapping import CaseResult, MappingSet
from hub.mapping.spec import walk

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "mappings"
#: Fewest cases of one mapping: the whole row, empty optional fields, rare characters, and a failure.
FEWEST = 4


@pytest.fixture(scope="module")
def shipped() -> MappingSet:
    return mapping.load(MAPPINGS)


def test_the_shipped_mappings_load_without_a_warning(shipped: MappingSet) -> None:
    assert [str(warning) for warning in shipped.warnings] == []
    assert set(shipped.mappings) >= {
        *(f"province/{name}" for name in ("accept", "process", "special", "material", "result")),
        *(f"gateway/{name}" for name in ("accept", "process", "result", "fee")),
        "social/intake",
    }


def test_every_mapping_has_a_cases_file_with_enough_cases(shipped: MappingSet) -> None:
    written = {path.relative_to(MAPPINGS).as_posix().removesuffix(".cases.yaml") for path in MAPPINGS.rglob("*.cases.yaml")}
    assert written == set(shipped.mappings)
    assert {name: len(cases) for name, cases in shipped.cases.items() if len(cases) < FEWEST} == {}


def test_every_case_comes_out_as_expected(shipped: MappingSet) -> None:
    results = mapping.run_cases(shipped)
    assert len(results) == sum(len(cases) for cases in shipped.cases.values())
    failed = [f"{_named(result)}: {'; '.join(map(str, result.differences))}" for result in results if not result.passed]
    assert failed == []


def test_a_code_that_the_sandbox_makes_up_can_be_put_into_any_table(tmp_path: Path) -> None:
    """That is what a dead letter's remedy says, and `hub test` after it: no case may count on the code being unknown."""
    changed = 0
    shutil.copytree(MAPPINGS, tmp_path / "mappings")
    for table in (tmp_path / "mappings" / "codes").rglob("*.csv"):
        head, first, *rest = (line.split(",") for line in table.read_text("utf-8").splitlines())
        if head[:2] == ["local", "target"] and "8" not in {row[0] for row in (first, *rest)}:
            table.write_text(f"{table.read_text('utf-8').rstrip()}\n8,{first[1]},又一种\n", "utf-8")
            changed += 1
    assert changed > 50
    failed = [_named(result) for result in mapping.run_cases(mapping.load(tmp_path / "mappings")) if not result.passed]
    assert failed == []


def test_every_mapping_shows_a_whole_body_and_a_failure(shipped: MappingSet) -> None:
    """`expect` alone would not notice a field that should not be written."""
    without_body = {name for name, cases in shipped.cases.items() if not any(case.exactly for case in cases)}
    without_failure = {name for name, cases in shipped.cases.items() if not any(case.issues for case in cases)}
    assert (without_body, without_failure) == (set(), set())


def test_every_contract_schema_and_code_table_is_used(shipped: MappingSet) -> None:
    specs = [one.spec for one in shipped.mappings.values()]
    assert {spec.contract for spec in specs} == set(shipped.contracts)
    assert {spec.source for spec in specs} == set(shipped.schemas)
    coded = {field.code for spec in specs for _, _, field in walk(spec.fields) if field.code}
    assert coded == {name for name in shipped.codes if not name.startswith("characters/")}  # those are for contracts to come


def test_the_row_id_of_a_case_is_the_same_for_province_and_gateway(shipped: MappingSet) -> None:
    """Reconciliation joins both by it, and it must never change: rows already sent are found by it."""
    given = shipped.cases["province/accept"][0].given
    envelope = mapping.Envelope()
    province, _ = shipped.mappings["province/accept"].apply(given, envelope)
    gateway, _ = shipped.mappings["gateway/accept"].apply(given, mapping.Envelope(operation="I", batch="B1"))
    assert province is not None and gateway is not None
    assert province["row_guid"] == gateway["RowGuid"] == "fa58eab9-7fec-5149-a6bc-d178f71e73b4"


def _named(result: CaseResult) -> str:
    return f"{result.mapping} · {result.case}"
