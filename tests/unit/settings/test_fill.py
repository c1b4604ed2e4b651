"""What `${…}` stands for, and what happens when it stands for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import documents
from hub.model import Finding
from hub.settings.fill import Fill, read_env


def filled(text: str, beside: Path = Path("/nowhere"), **env: str) -> tuple[str, list[Finding]]:
    found: list[Finding] = []
    document = documents.parse(f"a:\n  - {text!r}\n", "config/x.yaml")
    return Fill(env, beside, found).document(document).data["a"][0], found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "1"),
        ("x${A}y${B}z", "x1y2z"),
        ("${NONE:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${NONE:-}", ""),
        ("${A:-fallback}", "1"),
        ("${NONE:-sqlite:///var/hub.db}", "sqlite:///var/hub.db"),
        ("$${A}", "${A}"),
        ("$A {B}", "$A {B}"),
        ("${EMPTY}", ""),
    ],
)
def test_references_are_filled_in(text: str, expected: str) -> None:
    assert filled(text, A="1", B="2", EMPTY="") == (expected, [])


def test_what_a_variable_holds_is_never_read_as_a_reference() -> None:
    assert filled("${A}", A="${B}: [x]") == ("${B}: [x]", [])


def test_a_missing_variable_is_told_with_its_place() -> None:
    _, found = filled("${HUB_PASWORD}", HUB_PASSWORD="x")
    assert [(one.code, str(one.place), one.hint) for one in found] == [
        ("HUB-C-131", "config/x.yaml:2 a[0]", "did you mean HUB_PASSWORD?")
    ]
    assert "HUB_PASWORD" in found[0].message


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A B}", "x ${A"])
def test_a_broken_reference_is_told(text: str) -> None:
    assert [one.code for one in filled(text, A="1")[1]] == ["HUB-C-133"]


def test_a_secret_file_loses_only_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b" s3cret \r\n")
    assert filled("${file:secret}", tmp_path) == (" s3cret ", [])
    assert filled(f"${{file:{tmp_path}/secret}}") == (" s3cret ", [])


def test_an_empty_secret_file_is_an_empty_text(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\n")
    assert filled("${file:secret}", tmp_path) == ("", [])


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * 70_000])
def test_a_secret_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    assert [one.code for one in filled("${file:secret}", tmp_path)[1]] == ["HUB-C-132"]


def test_the_variable_file(tmp_path: Path) -> None:
    path = tmp_path / "hub.env"
    path.write_text("# 注释\n\nA=1\nexport B = two words \nC='quoted # kept'\nD=\"x=y\"\nE=\n", "utf-8")
    found: list[Finding] = []
    assert read_env(path, "hub.env", found) == {"A": "1", "B": "two words", "C": "quoted # kept", "D": "x=y", "E": ""}
    assert found == []


def test_a_line_that_is_no_variable_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hub.env"
    path.write_text("A=1\nwhat is this\n", "utf-8")
    found: list[Finding] = []
    assert read_env(path, "config/hub.env", found) == {"A": "1"}
    assert [(one.code, str(one.place)) for one in found] == [("HUB-C-134", "config/hub.env:2")]
    assert "what" not in found[0].message
