"""The strict YAML reader: what it refuses, with which line, and how pydantic's complaints are told."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from hub.documents import Document, findings, parse, read, reader
from hub.errors import ConfigurationError
from hub.model import Finding


def refused(source: bytes | str) -> list[Finding]:
    with pytest.raises(ConfigurationError) as caught:
        parse(source, "f.yaml")
    return caught.value.findings


def test_doctests() -> None:
    assert doctest.testmod(reader).failed == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0621125", "0621125"),
        ("621125", 621125),
        ("0", 0),
        ("00", "00"),
        ("-7", -7),
        ("1.50", 1.5),
        ("01.5", "01.5"),
        ("1e3", 1000.0),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("12:30:45", "12:30:45"),
        ("2016-12-13", "2016-12-13"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_plain_scalars(text: str, value: object) -> None:
    data = parse(f"k: {text}\n", "f.yaml").data
    assert data == {"k": value}
    assert type(data["k"]) is type(value)


def test_keys_are_text_as_written() -> None:
    assert parse("1: a\n01: b\ntrue: c\non: d\n", "f.yaml").data == {"1": "a", "01": "b", "true": "c", "on": "d"}


def test_all_duplicate_keys_are_found_with_their_lines() -> None:
    found = refused("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert [(one.code, one.place.line, one.place.path) for one in found] == [("HUB-C-103", 4, "b"), ("HUB-C-103", 5, "")]
    assert "first in line 3" in found[0].message


@pytest.mark.parametrize(
    ("source", "code", "line", "column", "words"),
    [
        ("a:\n\tb: 1\n", "HUB-C-101", 2, 1, "tabs"),
        ("a: 'x\n", "HUB-C-101", 2, 1, "end of stream"),
        ("a: [1, 2\nb: 3\n", "HUB-C-101", 2, 2, ""),
        ("好: \x01\n", "HUB-C-101", 1, 4, "U+0001"),
        ("好: 1\n漳县: 2\n".encode("gbk"), "HUB-C-102", 1, 1, "GBK"),
        (b"\xff\xfea\x00", "HUB-C-102", 1, 1, "UTF-8"),
        ("a: !!python/name:os.system x\n", "HUB-C-104", 1, 4, "tag"),
        ("a: !!timestamp 2016-12-13\n", "HUB-C-104", 1, 4, "tag"),
        ("a: !thing {b: 1}\n", "HUB-C-104", 1, 4, "tag"),
        ("a: 1\n---\nb: 2\n", "HUB-C-104", 2, 1, "more than one document"),
        ("? [a, b]\n: 1\n", "HUB-C-104", 1, 3, "key"),
        ("a: &x [*x]\n", "HUB-C-104", 1, 8, "alias"),
        ("a: *nowhere\n", "HUB-C-104", 1, 4, "alias"),
        ("[" * 100_000, "HUB-C-105", 1, 65, "deeper"),
    ],
)
def test_refusals(source: bytes | str, code: str, line: int, column: int, words: str) -> None:
    found = refused(source)[0]
    assert (found.code, found.place.file, found.place.line, found.place.column) == (code, "f.yaml", line, column)
    assert words in str(found)


def test_a_bomb_of_aliases_is_refused_before_it_unfolds() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert refused("\n".join(lines))[0].code == "HUB-C-105"


def test_small_aliases_are_fine() -> None:
    assert parse("a: &x {b: 1}\nc: *x\n", "f.yaml").data == {"a": {"b": 1}, "c": {"b": 1}}


def test_an_empty_file_is_nothing() -> None:
    assert parse("# only a remark\n", "f.yaml").data is None


def test_a_byte_order_mark_is_no_character() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\n", "f.yaml").data == {"a": 1}


def test_files_are_named_relative_to_the_root(tmp_path: Path) -> None:
    file = tmp_path / "config" / "hub.yaml"
    file.parent.mkdir()
    file.write_text("a: 1\n", encoding="utf-8")
    assert read(file, tmp_path).file == "config/hub.yaml"
    assert read(file).file == str(file)


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path / "none.yaml", tmp_path)
    assert caught.value.findings[0].code == "HUB-C-102"
    assert caught.value.findings[0].place.file == "none.yaml"


def test_places() -> None:
    document = parse("a: 1\nb:\n  - x: 1\n    y: [1,\n      2]\n", "f.yaml")
    assert (document.place(("b", 0, "y", 1)).line, document.place(("b", 0, "y", 1)).path) == (5, "b[0].y[1]")
    assert document.place(("b", 0, "y")).line == 4
    assert document.place(("b", 0, "missing")).line == 3
    assert document.place(("b", 0, "missing")).path == "b[0].missing"
    assert Document("f.yaml", {}).place(("a",)).line == 0


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_input_gives_data_or_findings(source: bytes | str) -> None:
    try:
        parse(source, "f.yaml")
    except ConfigurationError as error:
        assert all(one.code.startswith("HUB-C-10") for one in error.findings)


# --- pydantic's complaints ---


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    route: str
    mapping: str = ""
    number: int = 0


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")
    routes: list[Leaf] = []
    named: dict[str, Leaf | None] = {}
    either: Leaf | list[int] | None = None


def complaints(text: str, prefix: tuple[str | int, ...] = ()) -> list[tuple[str, int, str, str]]:
    document = parse(text, "f.yaml")
    data = document.data
    for part in prefix:
        data = data[part]
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate(data)
    found = findings(caught.value, document, prefix, model=Tree)
    return [(one.code, one.place.line, one.place.path, one.hint) for one in found]


def test_unknown_key_says_did_you_mean() -> None:
    text = "routes:\n  - route: a\n    maping: b\nnamd: 1\n"
    assert complaints(text) == [
        ("HUB-C-106", 3, "routes[0].maping", "did you mean mapping?"),
        ("HUB-C-106", 4, "namd", "did you mean named?"),
    ]


def test_missing_and_wrong_values_have_lines() -> None:
    text = "routes:\n  - number: many\n"
    assert complaints(text) == [("HUB-C-107", 2, "routes[0].route", ""), ("HUB-C-108", 2, "routes[0].number", "")]


def test_a_prefix_is_where_the_validated_part_stands() -> None:
    text = "outer:\n  in:\n    routes: []\n    named:\n      x: {rute: 1}\n"
    found = complaints(text, ("outer", "in"))
    assert ("HUB-C-106", 5, "outer.in.named.x.rute", "did you mean route?") in found


def test_names_of_union_members_are_no_part_of_the_path() -> None:
    found = complaints("either:\n  rout: 1\n")
    assert ("HUB-C-106", 2, "either.rout", "did you mean route?") in found


def test_the_value_never_shows() -> None:
    document = parse("routes: [{route: a, number: 62112519900101001X}]\n", "f.yaml")
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate(document.data)
    assert all("62112519900101001X" not in str(one) for one in findings(caught.value, document, model=Tree))
