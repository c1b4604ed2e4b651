"""The SOAP section of docs/adapters.md is true: its configurations load, its tables name every option."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.kit.xmlnode import Node
from adapters.soap import SoapAdapter
from adapters.soap.call import FAULTS
from adapters.soap.options import SoapOptions
from adapters.soap.parts import Reading

PAGE = (Path(__file__).parents[4] / "docs" / "adapters.md").read_text(encoding="utf-8")
SECTION = re.split(r"^## ", PAGE.partition("\n## SOAP\n")[2], flags=re.MULTILINE)[0]
SYSTEMS: list[dict[str, Any]] = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: next(iter(system["options"])))
def test_each_configuration_loads(system: dict[str, Any], tmp_path: Path) -> None:
    assert system["adapter"] == "soap"
    adapter = SoapAdapter(SoapOptions.model_validate(system["options"], context={"base": tmp_path}), system="s")
    assert adapter.endpoints() | adapter.kinds()
    adapter.close()


def test_there_are_four() -> None:
    assert len(SYSTEMS) == 4


@pytest.mark.parametrize("name", sorted({*SoapOptions.model_fields, *Node.model_fields, *Reading.model_fields} - {"connect_tries"}))
def test_every_option_is_named(name: str) -> None:
    assert re.search(rf"\b{name}\b", SECTION)


@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_is_in_the_table(code: str) -> None:
    assert code in SECTION
