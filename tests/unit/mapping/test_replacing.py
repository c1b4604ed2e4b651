"""A replacement table writes what a target cannot hold in the agreed way: told of each, only where it may, or refused as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import Mapping, Severity, load, run_cases
from hub.mapping.encodings import ENCODINGS
from hub.model import Finding
from tests.unit.mapping.building import ENVELOPE, loaded, mapping, refused, small, told, written

CONTRACT = """\
type: object
additionalProperties: false
x-encoding: gbk
x-replace: characters/it
properties:
  name: {type: string, title: 姓名, x-personal: name, x-max-bytes: 12}
  address: {type: string}
  cert: {type: string, x-personal: id}
  mobile: {type: string, x-personal: mobile}
  kind: {type: string, pattern: '^.+$'}
  no: {type: string, x-replace: false}
  old: {type: string, x-encoding: gb2312}
  people: {type: array, items: {type: object, properties: {name: {type: string}, cert: {type: string, x-personal: id}}}}
  free: {type: object}
"""
ALL = "\n".join(f"{name}: {name}" for name in ("name", "address", "cert", "mobile", "kind", "no", "old", "free"))
PEOPLE = "\npeople: {each: people, fields: {name: name, cert: cert}}"
ROWS = "䶮,岩,与市里商定\nU+2C386,[示羽],\nU+E81E,一,旧字库的私用区\n·,・,\n"


def made(root: Path, rows: str = ROWS, contract: str = CONTRACT) -> Mapping:
    return mapping(root, ALL + PEOPLE, contract=contract, codes={"characters/it": rows})


def test_what_the_table_has_is_written_so_and_told(tmp_path: Path) -> None:
    data: dict[str, Any] = {"name": "马䶮", "address": "武阳镇𬎆·䶮䶮", "people": [{"name": "李四"}, {"name": "䶮"}]}
    body, issues = made(tmp_path).apply(data, ENVELOPE)
    assert body == {"name": "马岩", "address": "武阳镇[示羽]·岩岩", "people": [{"name": "李四"}, {"name": "岩"}]}
    assert told(issues) == [("name", "replaced"), ("address", "replaced"), ("address", "replaced"), ("people[1].name", "replaced")]
    assert {(one.severity, one.code, one.id) for one in issues} == {(Severity.WARN, "HUB-M-112", "F04")}
    assert issues[0].message == "U+4DAE CJK UNIFIED IDEOGRAPH-4DAE at character 2 is written as 岩 (characters/it)"
    assert (issues[0].title, issues[0].value) == ("姓名", "马**")
    assert data == {"name": "马䶮", "address": "武阳镇𬎆·䶮䶮", "people": [{"name": "李四"}, {"name": "䶮"}]}


def test_what_fits_stays_even_if_it_stands_in_the_table(tmp_path: Path) -> None:
    body, issues = made(tmp_path).apply({"name": "阿·卜", "old": "阿·卜"}, ENVELOPE)
    assert body == {"name": "阿·卜", "old": "阿・卜"}  # gbk has the dot, gb2312 only the other one
    assert told(issues) == [("old", "replaced")]


def test_a_private_character_of_an_old_font_is_replaced(tmp_path: Path) -> None:
    body, issues = made(tmp_path).apply({"name": "\ue81e"}, ENVELOPE)
    assert body == {"name": "一"}
    assert issues[0].message.startswith("U+E81E at character 1")


@pytest.mark.parametrize("field", ["cert", "mobile", "kind", "no"])
def test_keys_and_numbers_are_never_changed(tmp_path: Path, field: str) -> None:
    body, issues = made(tmp_path).apply({"name": "䶮", field: "6211䶮"}, ENVELOPE)
    assert body is None
    assert told(issues) == [(field, "encoding"), ("name", "replaced")]


def test_nothing_the_contract_does_not_describe_is_changed(tmp_path: Path) -> None:
    data = {"free": {"any": "䶮"}}
    body, issues = made(tmp_path).apply(data, ENVELOPE)
    assert body is None
    assert told(issues) == [("free.any", "encoding")]
    assert data == {"free": {"any": "䶮"}}


def test_what_is_not_in_the_table_is_refused_beside_what_is(tmp_path: Path) -> None:
    body, issues = made(tmp_path).apply({"name": "䶮㛃"}, ENVELOPE)
    assert body is None
    assert told(issues) == [("name", "encoding"), ("name", "replaced")]
    assert "U+36C3" in issues[0].message
    assert "U+4DAE" not in issues[0].message


def test_bytes_are_counted_after_it(tmp_path: Path) -> None:
    body, issues = made(tmp_path).apply({"name": "阿䶮𬎆𬎆"}, ENVELOPE)
    assert body is None
    assert ("name", "bytes") in told(issues)


def test_a_body_that_is_no_json_is_told_as_before(tmp_path: Path) -> None:
    body, issues = made(tmp_path).apply({"name": float("nan"), "address": "䶮"}, ENVELOPE)
    assert body is None
    assert told(issues) == [("name", "type"), ("address", "replaced")]


def test_cases_see_it(tmp_path: Path) -> None:
    cases = """
        version: 1
        cases:
          - case: 换写
            given: {name: 马䶮}
            exactly: {name: 马岩}
            issues: [{path: name, rule: replaced, severity: warn, id: F04}]
        """
    table = {"codes/characters/it.csv": f"local,target,label\n{ROWS}"}
    whole = {**small(ALL, contract=CONTRACT), **table, "city/it.cases.yaml": cases}
    assert [result.differences for result in run_cases(loaded(tmp_path, whole))] == [()]


def test_the_mapping_changes_with_its_table(tmp_path: Path) -> None:
    digests = [made(tmp_path / name, rows).digest for name, rows in (("one", "䶮,岩,\n"), ("two", "䶮,炎,\n"))]
    assert digests[0] != digests[1]


# --- refused when loaded ---


def _errors(root: Path, files: dict[str, str | bytes]) -> list[Finding]:
    return [one for one in refused(root, files) if not one.warning]


def _findings(root: Path, rows: str, contract: str = CONTRACT) -> list[tuple[str, int, str]]:
    table = {"codes/characters/it.csv": f"local,target,label\n{rows}"}
    return [(one.code, one.place.line, one.message) for one in _errors(root, {**small(ALL, contract=contract), **table})]


def test_a_substitute_the_target_cannot_hold_either(tmp_path: Path) -> None:
    (code, line, message), *rest = _findings(tmp_path, "䶮,岩,\n㛃,㛂,\n", CONTRACT.replace(", x-encoding: gb2312", ""))
    assert (code, line, rest) == ("HUB-M-220", 3, [])
    assert "U+36C2" in message


def test_a_substitute_one_field_cannot_hold(tmp_path: Path) -> None:
    (code, line, message), *rest = _findings(tmp_path, "䶮,喆,\n")
    assert (code, line, rest) == ("HUB-M-220", 2, [])
    assert "gb2312" in message


@pytest.mark.parametrize("local", ["马䶮", "U+", "U+110000", "ab"])
def test_what_is_not_one_character(tmp_path: Path, local: str) -> None:
    assert [(code, line) for code, line, _ in _findings(tmp_path, f"{local},龙,\n")] == [("HUB-M-220", 2)]


def test_the_same_character_twice(tmp_path: Path) -> None:
    assert [(code, line) for code, line, _ in _findings(tmp_path, "䶮,龙,\nU+4DAE,龙,\n")] == [("HUB-M-210", 3)]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("x-replace: characters/it", "x-replace: characters/its", "HUB-M-206"),
        ("x-replace: characters/it", "x-replace: false", "HUB-M-214"),
        ("x-replace: false", "x-replace: true", "HUB-M-214"),
        ("x-replace: false", "x-replace: characters/it", "HUB-M-214"),
    ],
)
def test_a_keyword_written_wrongly(tmp_path: Path, old: str, new: str, code: str) -> None:
    assert [one[0] for one in _findings(tmp_path, ROWS, CONTRACT.replace(old, new, 1))] == [code]


def test_a_source_schema_replaces_nothing(tmp_path: Path) -> None:
    files = {**small("name: name"), "schemas/local/case.yaml": "type: object\nx-replace: characters/it\n"}
    assert [one.code for one in _errors(tmp_path, files)] == ["HUB-M-214"]


# --- whatever the characters ---

_SHIPPED = Path(__file__).parents[3] / "mappings" / "codes" / "characters"
_TEXTS = st.text(st.sampled_from("马殪喆堃镕珺䶮㛃𬎆·—€a1 \ue81e\u9fb4\ud800") | st.characters(), max_size=12)


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mapping]:
    """One mapping for each encoding, all with the same table where they can."""
    rows = "䶮,(龙天),\n·,・,\n喆,吉,\n"
    found = {}
    for name in ENCODINGS:
        table = rows if name.startswith("gb2312") else rows.replace("・", ".")
        contract = f"type: object\nx-encoding: {name}\nx-replace: characters/it\nproperties:\n  name: {{type: string}}\n"
        contract += "  cert: {type: string, x-personal: id}\n"
        files = {**small("name: name\ncert: cert", contract=contract), "codes/characters/it.csv": f"local,target,label\n{table}"}
        found[name] = load(written(tmp_path_factory.mktemp(name), files)).mappings["city/it"]
    return found


@given(_TEXTS, _TEXTS, st.sampled_from(sorted(ENCODINGS)))
def test_sent_as_it_is_or_as_agreed_or_refused_by_name(contracts: dict[str, Mapping], name: str, cert: str, encoding: str) -> None:
    made = contracts[encoding]
    assert made.replacement is not None
    agreed = made.replacement.substitutes[encoding]
    body, issues = made.apply({"name": name, "cert": cert}, ENVELOPE)
    lacking = {char for char in name if not ENCODINGS[encoding].fits(char)}
    assert {one.path for one in issues if one.rule == "replaced"} == ({"name"} if lacking & agreed.keys() else set())
    assert sum(one.rule == "replaced" for one in issues) == len(lacking & agreed.keys())
    refused_at = {one.path for one in issues if one.rule == "encoding"}
    assert ("name" in refused_at) == bool(lacking - agreed.keys())
    assert ("cert" in refused_at) == (not ENCODINGS[encoding].fits(cert))
    assert (body is None) == bool(refused_at)
    if body is not None:
        assert body.get("cert", "") == cert
        assert body.get("name", "") == "".join(agreed.get(char, char) for char in name)
        for text in body.values():
            assert text.encode(ENCODINGS[encoding].name).decode(ENCODINGS[encoding].name) == text


def test_the_shipped_table_keeps_the_bytes_gbk_would_write() -> None:
    rows = [line.split(",") for line in (_SHIPPED / "gb2312.csv").read_text("utf-8").splitlines()[1:]]
    assert len(rows) == 2
    for point, substitute, _ in rows:
        assert substitute.encode("gb2312") == chr(int(point[2:], 16)).encode("gbk")
