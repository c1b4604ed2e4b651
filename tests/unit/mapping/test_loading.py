"""Everything that can be wrong with a mappings directory: each with its code, file, line and hint, all at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hub.mapping import load, transforming
from tests.unit.mapping.building import body, loaded, refused, small, written

CONTRACT = """\
type: object
required: [no]
additionalProperties: false
x-encoding: gbk
properties:
  no: {type: string, maxLength: 3, title: 编号}
  kind: {type: string, enum: ["1", "2"]}
  when: {type: string}
  person: {type: object, required: [name], properties: {name: {type: string}}}
  list: {type: array, items: {type: object, required: [n], properties: {n: {type: string}, code: {type: string}}}}
"""
SCHEMA = """\
type: object
properties:
  BJBH: {type: string}
  SQR: {type: object, properties: {XM: {type: string}}}
  CL: {type: array, items: {type: object, properties: {CLMC: {type: string}}}}
  EXT: {}
"""
CASES = "version: 1\ncases:\n  - {case: one, given: {BJBH: a}, expect: {no: a}}\n"


def whole(fields: str, checks: str = "", **more: str) -> dict[str, str | bytes]:
    """Return a mapping from `local/case`, lines counted so: the first field stands in line 5."""
    files = small(fields, contract=CONTRACT, checks=checks)
    mapping = str(files["city/it.yaml"]).replace("version: 1\n", "version: 1\nfrom: local/case\n")
    return {**files, "city/it.yaml": mapping, "schemas/local/case.yaml": SCHEMA, "city/it.cases.yaml": CASES, **more}


def test_a_good_directory(tmp_path: Path) -> None:
    made = loaded(
        tmp_path, whole("no: BJBH\nperson: {fields: {name: SQR.XM}}\nlist: {each: CL, fields: {n: CLMC, code: /EXT.any}}")
    )
    assert made.warnings == []
    assert list(made.mappings) == list(made.cases) == ["city/it"]
    assert (list(made.contracts), list(made.schemas)) == (["city/it"], ["local/case"])


@pytest.mark.parametrize(
    ("fields", "code", "path", "hint"),
    [
        ("no: BJBHH", "HUB-M-201", "fields.no.path", "did you mean BJBH?"),
        ("no: SQR.XMM", "HUB-M-201", "fields.no.path", "did you mean XM?"),
        ("no: a..b", "HUB-M-201", "fields.no.path", "write a.b.c"),
        ("no: CL[0]", "HUB-M-201", "fields.no.path", "write a.b.c"),
        ("no: $operatoin", "HUB-M-201", "fields.no.path", "did you mean operation?"),
        ("no: {path: BJBH, when: {path: BJBHH, present: true}}", "HUB-M-201", "fields.no.when", "did you mean BJBH?"),
        ("no: {first: [BJBH, BJBHH]}", "HUB-M-201", "fields.no.first[1].path", "did you mean BJBH?"),
        ("no: BJBH\nlist: {each: CL, fields: {n: CLMCC}}", "HUB-M-201", "fields.list.fields.n.path", "did you mean CLMC?"),
        ("no: BJBH\nlist: {each: CLL, fields: {n: CLMC}}", "HUB-M-201", "fields.list.each", "did you mean CL?"),
        (
            "no: BJBH\nlist: {each: CL, fields: {n: CLMC, code: /BJBHH}}",
            "HUB-M-201",
            "fields.list.fields.code.path",
            "did you mean BJBH?",
        ),
        ("no: BJBH\nknd: EXT", "HUB-M-202", "fields.knd", "did you mean kind?"),
        ("no: BJBH\nlist: {each: CL, fields: {n: CLMC, cod: CLMC}}", "HUB-M-202", "fields.list.fields.cod", "did you mean code?"),
        ("kind: EXT", "HUB-M-203", "fields", ""),
        ("no: BJBH\nlist: {each: CL, fields: {code: CLMC}}", "HUB-M-203", "fields.list", ""),
        ("no: {path: BJBH, do: [trm]}", "HUB-M-204", "fields.no.do[0]", "did you mean trim?"),
        ("no: {path: BJBH, do: [trim, {cut: x}]}", "HUB-M-215", "fields.no.do[1]", ""),
        ("no: {path: BJBH, do: [{pad: {widht: 3}}]}", "HUB-M-215", "fields.no.do[0]", "did you mean width?"),
        ("no: {path: BJBH, code: knd}", "HUB-M-206", "fields.no.code", "did you mean kind?"),
        ("no: {const: 621}", "HUB-M-209", "fields.no.const", ""),
        ("no: {const: abcd}", "HUB-M-209", "fields.no.const", ""),
        ("no: {const: 䶮}", "HUB-M-209", "fields.no.const", ""),
        ("no: {path: BJBH, default: abcd}", "HUB-M-209", "fields.no.default", ""),
        ("no: {path: BJBH, pathh: x}", "HUB-C-106", "fields.no.pathh", "did you mean path?"),
        ("no: {path: BJBH, const: x}", "HUB-C-108", "fields.no", ""),
        ("no: {do: [trim]}", "HUB-C-108", "fields.no", ""),
        ("no: {path: BJBH, with: x}", "HUB-C-108", "fields.no", ""),
        ("no: BJBH\nlist: {each: CL}", "HUB-C-108", "fields.list", ""),
        ("no: {path: BJBH, when: {path: EXT, equal: 1}}", "HUB-C-106", "fields.no.when.equal", "did you mean equals?"),
        ("no: {path: BJBH, when: {path: EXT}}", "HUB-C-108", "fields.no.when", ""),
        ("no: {path: BJBH, when: {path: EXT, matches: '('}}", "HUB-C-108", "fields.no.when", ""),
    ],
)
def test_findings_in_fields(tmp_path: Path, fields: str, code: str, path: str, hint: str) -> None:
    found = refused(tmp_path, whole(fields, **{"codes/kind.csv": "local,target,label\n1,1,\n"}))
    assert [(one.code, one.place.path) for one in found] == [(code, path)]
    assert found[0].place.file == "mappings/city/it.yaml"
    assert found[0].place.line == (6 if "\n" in fields and path != "fields" else 4 if path == "fields" else 5)
    assert hint in found[0].hint


@pytest.mark.parametrize(
    ("check", "code", "path", "hint"),
    [
        ("{check: oder, fields: [no, when]}", "HUB-M-205", "checks[0].check", "did you mean order?"),
        ("{check: order, fields: [no, whn]}", "HUB-M-217", "checks[0].fields[1]", "did you mean when?"),
        ("{check: order, fields: [no]}", "HUB-C-108", "checks[0].fields", ""),
        ("{check: order, field: [no, when]}", "HUB-C-106", "checks[0].field", "did you mean fields?"),
        ("{check: needs, field: no, when: {path: knd, equals: 1}}", "HUB-M-217", "checks[0].when", "did you mean kind?"),
        ("{check: needs, field: no, severity: wrn}", "HUB-C-108", "checks[0].severity", ""),
        ("{check: certificate, type: kind, number: num}", "HUB-M-217", "checks[0].number", ""),
        ("{fields: [no]}", "HUB-M-205", "checks[0].check", ""),
    ],
)
def test_findings_in_checks(tmp_path: Path, check: str, code: str, path: str, hint: str) -> None:
    found = refused(tmp_path, whole("no: BJBH", f"- {check}"))
    assert (code, path, 7) in [(one.code, one.place.path, one.place.line) for one in found]
    assert any(hint in one.hint for one in found)


@pytest.mark.parametrize(
    ("contract", "line", "words"),
    [
        ("type: object\nproperties:\n  no: {maxLenght: 3}\n", 3, "did you mean maxLength?"),
        ("type: objekt\n", 1, "JSON Schema"),
        ("type: object\nproperties:\n  no: {type: string, maxLength: three}\n", 3, "JSON Schema"),
        ("type: object\nx-encoding: gbkk\n", 2, "did you mean gbk?"),
        ("type: object\nproperties:\n  no: {x-personal: nam}\n", 3, "did you mean name?"),
        ("type: object\nproperties:\n  no: {x-max-byte: 3}\n", 3, "did you mean x-max-bytes?"),
        ("type: object\nproperties:\n  no: {x-max-bytes: many}\n", 3, "whole number"),
        ("type: object\nproperties:\n  no: {pattern: '('}\n", 3, "regular expression"),
        ("type: object\nproperties:\n  no: {type: string, format: dat}\n", 3, "JSON Schema"),
        ("- a\n", 1, "mapping"),
    ],
)
def test_findings_in_contracts(tmp_path: Path, contract: str, line: int, words: str) -> None:
    found = refused(tmp_path, {"contracts/city/it.yaml": contract})
    assert found[0].code == "HUB-M-214"
    assert (found[0].place.file, found[0].place.line) == ("mappings/contracts/city/it.yaml", line)
    assert words in str(found[0])


def test_a_broken_contract_is_not_also_a_missing_one(tmp_path: Path) -> None:
    found = refused(tmp_path, {**small("a: X"), "contracts/city/it.yaml": "type: objekt\n"})
    assert {one.code for one in found} == {"HUB-M-214"}
    assert {one.code for one in refused(tmp_path, {"contracts/city/it.yaml": "a: [\n"})} == {"HUB-C-101"}


def test_missing_contract_and_schema_say_did_you_mean(tmp_path: Path) -> None:
    files = whole("no: BJBH")
    files["city/it.yaml"] = "version: 1\nfrom: local/cas\ncontract: city/itt\nfields: {no: BJBH}\n"
    found = refused(tmp_path, files)
    assert [(one.code, one.place.line, one.hint) for one in found] == [
        ("HUB-M-213", 3, "did you mean city/it?"),
        ("HUB-M-213", 2, "did you mean local/case?"),
    ]


@pytest.mark.parametrize(
    ("cases", "code", "line", "hint"),
    [
        ("version: 1\ncases:\n  - case: x\n    given: {}\n    expect:\n      noo: 1\n", "HUB-M-208", 6, "did you mean no?"),
        ("version: 1\ncases:\n  - case: x\n    given: {}\n", "HUB-C-108", 3, ""),
        ("version: 1\ncases:\n  - case: x\n    givn: {}\n    expect: {no: 1}\n", "HUB-C-106", 4, "did you mean given?"),
        ("version: 1\ncases: []\n", "HUB-C-108", 2, ""),
    ],
)
def test_findings_in_cases(tmp_path: Path, cases: str, code: str, line: int, hint: str) -> None:
    found = refused(tmp_path, whole("no: BJBH", **{"city/it.cases.yaml": cases}))
    assert (code, "mappings/city/it.cases.yaml", line) in [(one.code, one.place.file, one.place.line) for one in found]
    assert any(hint in one.hint for one in found)


def test_cases_of_no_mapping(tmp_path: Path) -> None:
    found = refused(tmp_path, whole("no: BJBH", **{"city/itt.cases.yaml": CASES}))
    assert [(one.code, one.place.file, one.hint) for one in found] == [
        ("HUB-M-208", "mappings/city/itt.cases.yaml", "did you mean city/it?")
    ]


def test_what_only_warns_is_kept(tmp_path: Path) -> None:
    files = whole("no: BJBH", **{"codes/t.csv": "local,target,label\n1,1,\n11,11,\n"})
    del files["city/it.cases.yaml"]
    files["contracts/city/it.yaml"] = CONTRACT + "x-remark: ours\n"
    found = loaded(tmp_path, files).warnings
    assert sorted(one.code for one in found) == ["HUB-M-207", "HUB-M-211", "HUB-M-211", "HUB-M-214"]
    assert all(one.warning for one in found)


def test_a_target_code_the_contract_refuses_is_found_in_the_table(tmp_path: Path) -> None:
    files = whole("no: BJBH\nkind: {path: EXT, code: kind}", **{"codes/kind.csv": "local,target,label\na,1,\nb,7,\n"})
    [found] = refused(tmp_path, files)
    assert (found.code, found.place.file, found.place.line) == ("HUB-M-218", "mappings/codes/kind.csv", 3)
    assert "mappings/city/it.yaml:6" in found.place.path


def test_a_table_inside_first_is_not_yet_what_the_target_gets(tmp_path: Path) -> None:
    files = whole(
        "no: BJBH\nkind: {first: [{path: EXT, code: kind}], do: [{cut: 1}]}", **{"codes/kind.csv": "local,target,label\na,1x,\n"}
    )
    assert loaded(tmp_path, files).warnings == []


def test_an_open_contract_only_warns_of_other_fields(tmp_path: Path) -> None:
    files = whole("no: BJBH\nknd: EXT")
    files["contracts/city/it.yaml"] = CONTRACT.replace("additionalProperties: false\n", "")
    [found] = loaded(tmp_path, files).warnings
    assert (found.code, found.warning) == ("HUB-M-202", True)


def test_everything_is_found_at_once(tmp_path: Path) -> None:
    files = whole(
        "no: {path: BJBHH, do: [trm]}\nknd: EXT",
        "- {check: oder}",
        **{
            "codes/t.csv": "local,target,label\n1,,\n",
            "city/two.yaml": "version: 1\ncontrakt: x\n",
            "three.yaml": "a: [\n",
            "contracts/c.yaml": "type: 1\n",
        },
    )
    codes = {one.code for one in refused(tmp_path, files)}
    assert codes >= {
        "HUB-M-201",
        "HUB-M-202",
        "HUB-M-204",
        "HUB-M-205",
        "HUB-M-210",
        "HUB-M-214",
        "HUB-C-106",
        "HUB-C-107",
        "HUB-C-101",
    }


def test_a_missing_directory(tmp_path: Path) -> None:
    assert refused(tmp_path / "none", {})[0].code == "HUB-C-102"


def test_duplicate_keys_are_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, whole("no: BJBH\nno: EXT"))
    assert [(one.code, one.place.line) for one in found] == [("HUB-C-103", 6)]


def test_loading_twice_gives_the_same(tmp_path: Path) -> None:
    directory = written(tmp_path, whole("no: BJBH"))
    assert load(directory).mappings["city/it"].digest == load(directory).mappings["city/it"].digest


def installed(root: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Put a distribution with an entry point on the path, as pip would."""
    (root / "our_words.py").write_text(module, encoding="utf-8")
    about = root / "our_words-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: our-words\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[gansu_exchange_hub.vocabulary]\nwords = our_words\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.delitem(sys.modules, "our_words", raising=False)
    monkeypatch.setattr(transforming, "_KNOWN", dict(transforming._KNOWN))


def test_another_distribution_may_add_a_transform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "from hub.mapping.transforming import transform\n"
    module += "@transform('shout')\ndef shout(value: object) -> str:\n    return f'{value}!'\n"
    installed(tmp_path, monkeypatch, module)
    made = loaded(tmp_path, small("a: {path: X, do: [shout]}")).mappings["city/it"]
    assert body(made, {"X": "好"}) == {"a": "好!"}


def test_an_addition_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch, "raise RuntimeError('broken')\n")
    [found] = refused(tmp_path, whole("no: BJBH"))
    assert (found.code, found.place.file) == ("HUB-M-219", "our-words")
    assert "broken" in found.message
