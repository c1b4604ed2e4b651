"""config/quality.yaml speaks the vocabulary and names kinds and fields that are there, or every finding is told at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from hub.settings import load
from tests import configs

QUALITY = """
    version: 1
    terms: {idle: 3, read: 2h}
    sources:
      local:
        case: {kind: case, number: BJBH, type: SXLX, instant: ["1"], fillers: [SQRMC]}
        step: {kind: step, number: BJBH, action: ZT, pairs: {only: ["1"]}}
    """


def test_it_becomes_values(tmp_path: Path) -> None:
    made = load(configs.write(tmp_path, {"config/quality.yaml": QUALITY}), env={}).quality
    assert made is not None
    case, step = made.parts
    assert (case.source, case.part, case.kind) == ("local", "case", "case")
    assert (dict(case.paths), case.fillers) == ({"number": "BJBH", "type": "SXLX"}, ("SQRMC",))
    assert (case.codes["instant"], case.codes["committed"]) == (frozenset("1"), frozenset())
    assert dict(step.pairs) == {"only": frozenset("1")}
    assert (made.terms.idle, made.terms.read, made.terms.sent) == (3, timedelta(hours=2), timedelta(days=1))
    assert "888888" in made.terms.fillers


def test_it_may_be_left_out(tmp_path: Path) -> None:
    assert load(configs.write(tmp_path), env={}).quality is None


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "hint"),
    [
        ("      local:", "      lokal:", "HUB-C-140", "sources.lokal", "did you mean local?"),
        ("kind: step", "kind: steps", "HUB-C-142", "sources.local.step.kind", "did you mean step?"),
        ("type: SXLX", "type: SXLY", "HUB-C-148", "sources.local.case.type", "did you mean SXLX?"),
        ("fillers: [SQRMC]", "fillers: [SQRMX]", "HUB-C-148", "sources.local.case.fillers[0]", "did you mean SQRMC?"),
        ("number: BJBH, action", "action", "HUB-C-107", "sources.local.step", ""),
        ("action: ZT", "aktion: ZT", "HUB-C-106", "sources.local.step.aktion", "did you mean action?"),
        ("        step:", "        steps:", "HUB-C-106", "sources.local.steps", "did you mean step?"),
        ("only:", "olny:", "HUB-C-108", "sources.local.step.pairs.olny", ""),
        ("read: 2h", "read: 2", "HUB-C-108", "terms.read", ""),
    ],
)
def test_what_is_wrong_is_told_where_and_how(tmp_path: Path, old: str, new: str, code: str, path: str, hint: str) -> None:
    assert old in QUALITY
    with pytest.raises(ConfigurationError) as caught:
        load(configs.write(tmp_path, {"config/quality.yaml": QUALITY.replace(old, new)}), env={})
    found = [one for one in caught.value.findings if not one.warning]
    assert code in {one.code for one in found}, [str(one) for one in found]
    one = next(one for one in found if one.code == code)
    assert one.place.file == "config/quality.yaml"
    assert one.place.path.startswith(path)
    assert hint in one.hint
