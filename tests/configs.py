"""A small whole configuration on disk, with adapters that live in memory: what tests of settings, CLI and engine start from."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

HUB = """
    version: 1
    name: test
    title: 测试中枢
    division: "621125"
    """
LOCAL = """
    version: 1
    system: local
    title: 审批系统
    adapter: tests.fakes:MemoryAdapter
    schedule: {cron: "*/5 * * * *"}
    schemas: {case: local/case, step: local/step}
    options: {kinds: [case, step], records: records.json}
    """
CITY = """
    version: 1
    system: city
    title: 市平台
    adapter: tests.fakes:MemoryAdapter
    contact: 市大数据局
    options: {endpoints: [accept, process], batch: 10}
    """
ROUTES = """
    version: 1
    routes:
      - {route: city-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: city/accept, lane: BJBH}
      - route: city-process
        title: 过程
        from: local
        kind: step
        when: {path: ZT, equals: "1"}
        mapping: city/process
        to: city/process
        lane: BJBH
        parent: {route: city-accept, key: BJBH}
    """
CASE = """
    title: 办件
    type: object
    properties:
      BJBH: {type: string, title: 办件编号}
      SQRMC: {type: string, title: 申请人, x-personal: name}
      SXLX: {type: string, title: 事项类型}
    """
STEP = """
    title: 过程
    type: object
    properties:
      BJBH: {type: string, title: 办件编号}
      ZT: {type: string, title: 状态}
    """
CONTRACT_ACCEPT = """
    title: 受理
    type: object
    additionalProperties: false
    required: [project_no]
    properties:
      project_no: {type: string, title: 办件编号, maxLength: 20}
      applyer_name: {type: string, title: 申请人, maxLength: 6, x-personal: name}
    """
CONTRACT_PROCESS = """
    title: 过程
    type: object
    additionalProperties: false
    required: [project_no]
    properties:
      project_no: {type: string, title: 办件编号}
    """
ACCEPT = """
    version: 1
    title: 受理
    from: local/case
    contract: city/accept
    fields:
      project_no: BJBH
      applyer_name: {path: SQRMC, do: [trim]}
    """
ACCEPT_CASES = """
    version: 1
    cases:
      - case: 一般
        given: {BJBH: A1, SQRMC: 甲某某}
        expect: {project_no: A1}
    """
PROCESS_CASES = """
    version: 1
    cases:
      - case: 一般
        given: {BJBH: A1, ZT: "1"}
        exactly: {project_no: A1}
    """
PROCESS = """
    version: 1
    title: 过程
    from: local/step
    contract: city/process
    fields: {project_no: BJBH}
    """
RECORDS = [
    {"kind": "case", "key": "A1", "data": {"BJBH": "A1", "SQRMC": "甲某某", "SXLX": "1"}},
    {"kind": "step", "key": "A1-1", "data": {"BJBH": "A1", "ZT": "1"}},
    {"kind": "case", "key": "A2", "data": {"BJBH": "A2", "SQRMC": "名字过长的某某某", "SXLX": "1"}},
]

FILES = {
    "config/hub.yaml": HUB,
    "config/systems/local.yaml": LOCAL,
    "config/systems/city.yaml": CITY,
    "config/routes/city.yaml": ROUTES,
    "mappings/schemas/local/case.yaml": CASE,
    "mappings/schemas/local/step.yaml": STEP,
    "mappings/contracts/city/accept.yaml": CONTRACT_ACCEPT,
    "mappings/contracts/city/process.yaml": CONTRACT_PROCESS,
    "mappings/city/accept.yaml": ACCEPT,
    "mappings/city/accept.cases.yaml": ACCEPT_CASES,
    "mappings/city/process.yaml": PROCESS,
    "mappings/city/process.cases.yaml": PROCESS_CASES,
}


def write(directory: Path, files: dict[str, str | None] | None = None, records: list[dict[str, Any]] | None = None) -> Path:
    """Write the configuration into `directory`; `files` replaces files by path, None leaves one out. Returns `directory`."""
    for name, text in {**FILES, **(files or {})}.items():
        if text is not None:
            put(directory, name, text)
    put(directory, "records.json", json.dumps(RECORDS if records is None else records, ensure_ascii=False))
    return directory


def put(directory: Path, name: str, text: str) -> None:
    """Write one file below `directory`, without the indentation the test has it in."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"), "utf-8")
