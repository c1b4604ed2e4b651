"""What is personal at the source stays masked in every issue, also where the target's contract says nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.mapping import Mapping
from tests.unit.mapping.building import issues, loaded, small

SOURCE = """
type: object
properties:
  NAME: {type: string, x-personal: name}
  OTHER: {type: string}
  STATE: {type: string}
  PEOPLE: {type: array, items: {type: object, properties: {CALLED: {type: string, x-personal: name}, ROLE: {type: string}}}}
"""
CONTRACT = """
type: object
properties:
  coded: {type: string}
  listed: {enum: [a, b]}
  state: {type: string}
  grade: {enum: [a, b]}
  people: {type: array, items: {type: object, properties: {called: {enum: [a]}, role: {enum: [a]}}}}
"""
FIELDS = """
coded: {first: [OTHER, NAME], code: t}
listed: NAME
state: {path: STATE, code: t}
grade: STATE
people: {each: PEOPLE, fields: {called: CALLED, role: ROLE}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    files = small(FIELDS, contract=CONTRACT, **{"schemas/local/it.yaml": SOURCE, "codes/t.csv": "local,target,label\n1,一,\n"})
    files["city/it.yaml"] = str(files["city/it.yaml"]).replace("contract:", "from: local/it\ncontract:")
    root: Path = tmp_path_factory.mktemp("origins")
    return loaded(root, files).mappings["city/it"]


def test_personal_values_are_masked_and_others_shown(made: Mapping) -> None:
    data = {"NAME": "张小明", "STATE": "转外单位", "PEOPLE": [{"CALLED": "李小红", "ROLE": "代理人"}]}
    shown = {one.path: one.value for one in issues(made, data)}
    assert shown == {
        "coded": "张**",
        "listed": "张**",
        "state": "转外单位",
        "grade": "转外单位",
        "people[0].called": "李**",
        "people[0].role": "代理人",
    }
