"""The YAML in the files section of docs/adapters.md is what the adapter takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from adapters.files import FilesAdapter
from adapters.files.options import FilesOptions

PAGE = Path(__file__).parents[4] / "docs" / "adapters.md"


def examples() -> list[str]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## files\n")[2].partition("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(examples()) == 4


@pytest.mark.parametrize("example", examples())
def test_an_example_is_sound(example: str) -> None:
    told = yaml.safe_load(example)
    options = FilesOptions.model_validate(told["options"], context={"base": "/srv/hub/config"})
    adapter = FilesAdapter(options, system="yunguan")
    assert adapter.endpoints() == set(told["options"].get("endpoints", ()))
    assert adapter.kinds() == set(told["options"].get("feeds", ()))
    adapter.close()
