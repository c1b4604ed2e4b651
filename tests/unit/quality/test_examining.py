"""What is read out of a store becomes cases with their marks: versions, deliveries, issues, fillers, the same case twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.quality import Verdict, lists, verdicts
from hub.quality.staging import Staging
from hub.settings import PartSettings, QualitySettings, TermsSettings
from hub.store import open_store
from tests.unit.quality.building import part
from tests.unit.quality.storing import SEEN, Stored

NOW = SEEN + timedelta(days=1)
TERMS = TermsSettings(fillers=frozenset({"无", "888888", "2099-12-31"}), praise=2)
GOOD: dict[str, Any] = {
    "number": "A1", "item": "S1", "item_name": "某事项", "department": "某局", "type": "1", "applied": "2025-06-03 08:00:00",
    "accepted": "2025-06-03 08:30:00", "applicant": "621125190503120020", "updated": "2025-06-03 08:30:00",
}  # fmt: skip


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    store = open_store(f"sqlite:///{tmp_path}/hub.db")
    yield Stored(store)
    store.close()


def examined(stored: Stored, *parts: PartSettings) -> dict[str, Verdict]:
    told = QualitySettings(parts or (part("case"),), TERMS)
    return {one.number: one for one in verdicts(stored.store, told, NOW, lists(stored.store, told))}


def marks(stored: Stored, *parts: PartSettings, number: str = "A1") -> set[str]:
    return {f"{rule}/{line}:{severity}" for rule, line, severity in examined(stored, *parts)[number].marks}


def test_a_good_case_is_told_by_what_the_county_calls_it(stored: Stored) -> None:
    stored.delivery(stored.record("case", "A1", GOOD), "delivered")
    one = examined(stored)["A1"]
    assert (one.department, one.item, one.item_name, one.closed, one.marks) == ("某局", "S1", "某事项", False, frozenset())
    assert (one.standings, one.blocked) == ((("city", "delivered"),), False)


def test_the_newest_version_counts_and_what_is_gone_does_not(stored: Stored) -> None:
    stored.record("case", "A1", {**GOOD, "department": "旧局"})
    stored.record("case", "A1", {**GOOD, "department": "新局"})
    stored.record("case", "A2", {**GOOD, "number": "A2"})
    stored.record("case", "A2", {**GOOD, "number": "A2"}, deleted=True)
    assert {number: one.department for number, one in examined(stored).items()} == {"A1": "新局"}


def test_records_of_all_kinds_come_together(stored: Stored) -> None:
    stored.record("case", "A1", GOOD)
    stored.record("result", "r1", {"number": "A1", "ended": "2025-06-03 09:00:00", "outcome": "N", "certificate": "证"})
    stored.record("result", "r2", {"number": "A2", "ended": "2025-06-03 09:00:00"})
    parts = (part("case"), part("result"))
    assert marks(stored, *parts) == {"C04/no-reason:block", "C04/refused-certificate:block", "C04/half-certificate:block"}
    assert marks(stored, *parts, number="A2") == {"C01/result-alone:block"}


def test_what_mappings_found_counts_by_its_number(stored: Stored) -> None:
    number = stored.record("case", "A1", GOOD)
    told = [
        {"id": "F05", "severity": "block"},
        {"id": "F04", "severity": "warn"},
        {"id": "X1", "severity": "warn"},
        {"severity": "block"},
    ]
    stored.delivery(number, "dead", issues=told)
    stored.delivery(number, "delivered", system="province", issues=told[:1])
    assert marks(stored) == {"F05/:block", "F04/:warn", "/:warn", "/:block", "R01/failed:warn"}
    assert examined(stored)["A1"].blocked


def test_issues_of_an_older_version_are_forgotten(stored: Stored) -> None:
    stored.delivery(stored.record("case", "A1", GOOD), "superseded", issues=[{"id": "F05", "severity": "block"}])
    stored.delivery(stored.record("case", "A1", GOOD), "delivered")
    assert marks(stored) == set()


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [("item_name", "无", {"D03/value:warn"}), ("item_name", " 无 ", {"D03/value:warn"}), ("item_name", "无锡", set()),
     ("item_name", "2099-12-31 00:00:00", {"D03/value:warn"}), ("item_name", 888888, {"D03/value:warn"}), ("type", "无", set())],
)  # fmt: skip
def test_d03_fillers_of_the_fields_that_are_looked_at(stored: Stored, field: str, value: Any, found: set[str]) -> None:
    from dataclasses import replace

    stored.record("case", "A1", {**GOOD, field: value})
    assert marks(stored, replace(part("case"), fillers=("item_name",))) == found


def test_d02_a_later_version_with_an_earlier_time(stored: Stored) -> None:
    for time in ("2025-06-03 08:30:00", "2025-06-03 08:31:00"):
        stored.record("case", "A1", {**GOOD, "updated": time})
    assert marks(stored) == set()
    stored.record("case", "A1", {**GOOD, "updated": "2025-06-03 08:30:30"})
    assert marks(stored) == {"D02/older:warn"}


@pytest.mark.parametrize(
    ("writers", "centre", "found"),
    [((None, "town-a"), None, {"D01/writers:warn"}), (("town-a", "town-a"), None, set()), ((None, "social"), "SB", set())],
)
def test_d01_one_number_by_two_writers(stored: Stored, writers: tuple[Any, ...], centre: Any, found: set[str]) -> None:
    for writer in writers:
        stored.record("case", "A1", {**GOOD, "origin": writer, "centre": centre})
    assert marks(stored) == found


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"origin": "town-a"}, {"D01/twice:warn"}),
        ({}, set()),  # twice at the hall is not typed in by another system
        ({"origin": "town-a", "item": "S2"}, set()),
        ({"origin": "town-a", "applied": "2025-06-02 08:00:00"}, set()),
        ({"origin": "town-a", "applicant": "621125190503120039"}, set()),
        ({"origin": "town-a", "applicant": None}, set()),
    ],
)
def test_d01_the_same_application_from_another_system(stored: Stored, other: dict[str, Any], found: set[str]) -> None:
    stored.record("case", "A1", GOOD)
    stored.record("case", "A2", {**GOOD, "number": "A2", **other})
    assert marks(stored) == found
    assert marks(stored, number="A2") == found


def test_d01_across_sources(stored: Stored) -> None:
    stored.record("case", "A1", GOOD)
    stored.record("case", "B1", {**GOOD, "number": "B1"}, source="centre")
    assert marks(stored, part("case"), part("case", source="centre")) == {"D01/twice:warn"}


@pytest.mark.parametrize(
    ("run", "seen", "found"),
    [(1, SEEN + timedelta(days=9), set()), (2, SEEN + timedelta(days=9), {"T05/read-late:warn"}), (2, SEEN, set())],
)
def test_t05_read_late_but_not_in_the_first_run(stored: Stored, run: int, seen: datetime, found: set[str]) -> None:
    stored.record("case", "A0", {**GOOD, "number": "A0"})
    stored.record("case", "A1", {**GOOD, "updated": "2025-06-03 08:30:00", "applicant": None}, run=run, seen=seen)
    assert marks(stored) == found


@pytest.mark.parametrize(
    ("state", "took", "found"),
    [("delivered", 86_400, set()), ("confirmed", 86_401, {"T05/sent-late:warn"}), ("pending", 86_401, set())],
)
def test_t05_sent_late(stored: Stored, state: str, took: int, found: set[str]) -> None:
    stored.delivery(stored.record("case", "A1", GOOD), state, took=took)
    assert marks(stored) == found


def test_c08_praise_in_bulk(stored: Stored) -> None:
    for number, at in (("A1", "09:00:00"), ("A2", "09:00:59"), ("A3", "09:01:00")):
        stored.record("case", number, {**GOOD, "number": number, "applicant": None})
        stored.record("evaluation", number, {"number": number, "level": "5", "place": "3", "at": f"2025-06-03 {at}"})
    parts = (part("case"), part("evaluation"))
    assert [marks(stored, *parts, number=number) for number in ("A1", "A2", "A3")] == [{"C08/bulk:warn"}, {"C08/bulk:warn"}, set()]


def test_what_belongs_to_no_case_comes_as_the_case_without_a_number(stored: Stored) -> None:
    stored.record("step", "s1", {"name": "审核"})
    stored.record("step", "s2", b"{}")
    stored.record("case", "A9", b"{}")
    found = examined(stored, part("case"), part("step"))
    assert list(found) == ["", "A9"]  # a case that could not be read still has its key


def test_paths_go_into_records(stored: Stored) -> None:
    deep = PartSettings("local", "case", "case", {"number": "a.b", "department": "x.y", "accepted": "x.z"})
    stored.record("case", "k", {"a": {"b": 7}, "x": {"y": "某局", "z": "2025-06-03"}})
    assert examined(stored, deep)["7"].department == "某局"


def test_items_are_read_by_code_with_their_materials(stored: Stored) -> None:
    row = {
        "code": "S1",
        "name": "某事项",
        "state": "A",
        "valid_from": "2025-01-01",
        "charged": "0",
        "materials": "申请书；章程、 照片",
    }
    stored.record("item", "1", {**row, "version": 1})
    stored.record("item", "2", {**row, "version": 2, "materials": [{"name": "申请书"}, "章程"]})
    stored.record("item", "3", {"name": "没有编码"})
    stored.record("item", "4", {**row, "code": "S4"}, deleted=True)
    known = lists(stored.store, QualitySettings((part("item"), part("published")), TERMS))
    assert known.published is None
    assert known.hall is not None
    assert {code: [one.version for one in rows] for code, rows in known.hall.items()} == {"S1": ["1", "2"]}
    assert [one.materials for one in known.hall["S1"]] == [("申请书", "章程", "照片"), ("申请书", "章程")]


def test_mandatory_materials_may_be_records_of_their_own(stored: Stored) -> None:
    stored.record("item", "1", {"code": "S1"})
    for key, name, need in (("1", "申请书", "1"), ("2", "照片", "0"), ("3", "章程", "1")):
        stored.record("requirement", key, {"code": "S1", "name": name, "need": need})
    stored.record("requirement", "4", {"code": "S2", "name": "申请书", "need": "1"})
    stored.record("requirement", "3", {}, deleted=True)
    parts = (part("item"), part("requirement", mandatory=frozenset("1")))
    known = lists(stored.store, QualitySettings(parts, TERMS))
    assert known.hall is not None
    assert [one.materials for one in known.hall["S1"]] == [("申请书",)]


def test_nothing_personal_is_written_down(stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def read(self: Staging) -> Any:
        self._connection.execute("PRAGMA wal_checkpoint")
        seen.append((tmp_path / "staging" / "facts.db").read_bytes())
        return original(self)

    original = Staging.cases
    monkeypatch.setattr(Staging, "cases", read)
    (tmp_path / "staging").mkdir()
    monkeypatch.setattr("hub.quality.examining.TemporaryDirectory", lambda prefix: _Kept(tmp_path / "staging"))
    stored.record("case", "A1", {**GOOD, "SQRMC": "张三"})
    stored.record("result", "r1", {"number": "A1", "certificate_number": "漳001", "reason": "理由如此"})
    examined(stored, part("case"), part("result"))
    (content,) = seen
    assert "某局".encode() in content
    for secret in ("张三", "621125190503120020", "漳001", "理由如此"):
        assert secret.encode() not in content


class _Kept:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> str:
        return str(self._path)

    def __exit__(self, *error: object) -> None:
        pass
