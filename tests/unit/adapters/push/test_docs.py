"""The YAML in the push section of docs/adapters.md is what the adapter takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from adapters.push import PushAdapter
from adapters.push.options import PushOptions
from tests.pushing import SECRET

PAGE = Path(__file__).parents[4] / "docs" / "adapters.md"


def examples() -> list[str]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## push\n")[2].partition("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(examples()) == 3


@pytest.mark.parametrize("example", examples())
def test_an_example_is_sound(example: str) -> None:
    told = yaml.safe_load(re.sub(r"\$\{\w+\}", SECRET, example))
    adapter = PushAdapter(PushOptions.model_validate(told["options"]), system="town")
    assert adapter.kinds() == {"case"}
    assert adapter.endpoints() == frozenset()
    adapter.close()
