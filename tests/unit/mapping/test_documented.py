"""docs/mappings.md tells the whole vocabulary, nothing that is not there, and its example works."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hub.mapping import all_checks, all_transforms, load, run_cases, transforming
from hub.mapping.encodings import ENCODINGS
from hub.mapping.issues import RULES
from hub.mapping.paths import ENVELOPE
from hub.mapping.schema import OURS
from hub.mapping.transforming import Transform

PAGE = (Path(__file__).parents[3] / "docs" / "mappings.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def listed(title: str) -> dict[str, str]:
    """Return the first two cells of a section's table rows."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|([^|]*)\|", section(title), re.MULTILINE)
    return dict(rows)


def test_every_transform_is_documented_with_its_parameters() -> None:
    documented = listed("变换")
    assert {*documented} == {*all_transforms()}
    for name, one in all_transforms().items():
        parameters = [*one.parameters.model_fields]
        assert re.findall(r"`([a-z]+)`", documented[name]) == (parameters if name != "replace" else []), name


def test_every_check_is_documented_with_its_parameters() -> None:
    documented = listed("校验")
    assert {*documented} == {*all_checks()}
    for name, kind in all_checks().items():
        parameters = [one for one in kind.model_fields if one not in {"check", "id", "severity", "when"}]
        assert re.findall(r"`([a-z]+)`", documented[name]) == parameters, name


@pytest.mark.parametrize("word", [*OURS, *ENCODINGS, *(f"${name}" for name in ENVELOPE)])
def test_every_word_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_rule_is_documented() -> None:
    for rule in RULES:
        assert f"`{rule}`" in PAGE


def files(root: Path) -> Path:
    """Write the page's example below `root`."""
    for language, name, text in re.findall(r"^```(yaml|csv)\n# (mappings/\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        assert path.suffix.endswith(language)
    return root / "mappings"


def test_the_example_works(tmp_path: Path) -> None:
    made = load(files(tmp_path))
    assert made.warnings == []
    results = run_cases(made)
    assert len(results) == 2
    assert [str(one) for result in results for one in result.differences] == []


def test_the_python_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Transform] = dict(transforming._KNOWN)
    monkeypatch.setattr(transforming, "_KNOWN", known)
    for source in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(source, {"__name__": "page"})
    assert transforming.bind("town")("621125100000") == "621125100"
    assert "acceptTime" in capsys.readouterr().out
    assert Path.cwd() == tmp_path.resolve() or os.name == "nt"
