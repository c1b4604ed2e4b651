"""Proves that the other vendor's style of social security, `doInvoke(xmlPara)`, can be said in YAML alone, both ways.

An XML string declared GBK, `<p>` with every field as a `<s name="value"/>` of its own, `serviceMethod` and `rsxtid` among them.
The far side is PHP's SoapServer; what it answers is our assumption.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hub.sandbox.flaws import Rates
from hub.sandbox.generator import fill
from tests.commands import Directory, shipped
from tests.integration.soap_peer import PhpPeer, running

SYSTEM = """
version: 1
system: dareway
title: 社保分中心（地纬）
adapter: soap
schedule: {cron: "*/5 * * * *"}
options:
  wsdl: ${DAREWAY_URL}?wsdl
  address: ${DAREWAY_URL}
  answer: {inner: xml}
  answers:
    - {path: /p/s/@error, matches: 已存在, means: duplicate}
    - {path: /p/s/@error, matches: 系统编号|参数格式, means: misconfigured, said: /p/s/@error}
    - {path: /p/s/@error, present: true, means: rejected, said: /p/s/@error}
    - {path: /p/s/@lsh, present: true, means: taken, reference: /p/s/@lsh}
    - {path: count(/p/d), equals: "1", means: taken}
  endpoints:
    intake:
      operation: doInvoke
      parameters: {xmlPara: $inner}
      idempotent: true
      inner:
        encoding: gbk
        xml:
          element: p
          children:
            - {element: s, rows: $body, order: [sfzhm, xm]}
            - {element: s, attributes: {serviceMethod: saveYwsl}}
            - {element: s, attributes: {rsxtid: "621125"}}
  feeds:
    step:
      operation: doInvoke
      parameters: {xmlPara: $inner}
      inner:
        encoding: gbk
        xml:
          element: p
          children:
            - {element: s, attributes: {xh: $cursor}}
            - {element: s, attributes: {serviceMethod: listYwjd}}
            - {element: s, attributes: {rsxtid: "621125"}}
      rows: /p/d/r
      fields: attributes
      key: ywbh
      start: "0"
      next: {by: time, time: xh}
"""
ROUTES = """
version: 1
routes:
  - route: dareway-intake
    title: 业务受理 → 社保（地纬）
    from: local
    kind: case
    when: {path: SSZX, equals: SB}
    mapping: dareway/intake
    to: dareway/intake
    lane: BJBH
  - route: dareway-step
    title: 社保（地纬）进度 → 本地环节
    from: dareway
    kind: step
    mapping: dareway/step
    to: local/step
    lane: ywbh
    row: ID
"""
CONTRACT = """
title: 业务受理
type: object
x-encoding: gbk
required: [ywbh, sfzhm, xm, slsj]
additionalProperties: false
properties:
  ywbh: {type: string, title: 业务编号, maxLength: 50}
  sfzhm: {type: string, title: 身份证号, maxLength: 18, x-personal: id}
  xm: {type: string, title: 姓名, x-max-bytes: 64, x-personal: name}
  slsj: {type: string, title: 受理时间}
"""
INTAKE = """
version: 1
title: 业务受理 → 社保（地纬）
contract: dareway/intake
fields: {ywbh: BJBH, sfzhm: SQRZJHM, xm: SQRMC, slsj: SLSJ}
"""
STEP = """
version: 1
title: 社保（地纬）进度 → 本地环节
contract: local/step
fields:
  ID: {path: ywbh, do: [{guid: {space: dareway, length: 32}}]}
  BJBH: ywbh
  HJMC: hjmc
  HJZT: {const: "2"}
  BLRXM: jbr
  KSSJ: {path: kssj, do: [datetime]}
  LYXT: {const: dareway}
"""
CASES = """
version: 1
cases:
  - case: 写不进 GBK 的姓名
    given: {BJBH: "1", SQRZJHM: "621125190503120020", SQRMC: 马䶮, SLSJ: "2016-12-01 09:20:00"}
    issues: [{path: xm, rule: encoding}]
"""
STEP_CASES = """
version: 1
cases:
  - case: 一个步骤
    given: {xh: "1", ywbh: "1", hjmc: 业务初审, jbr: 赵建, kssj: "2016-12-01 10:00:00"}
    expect: {BJBH: "1", HJMC: 业务初审, KSSJ: "2016-12-01 10:00:00"}
"""
FILES = {
    "config/systems/dareway.yaml": SYSTEM,
    "config/routes/dareway.yaml": ROUTES,
    "mappings/contracts/dareway/intake.yaml": CONTRACT,
    "mappings/dareway/intake.yaml": INTAKE,
    "mappings/dareway/intake.cases.yaml": CASES,
    "mappings/dareway/step.yaml": STEP,
    "mappings/dareway/step.cases.yaml": STEP_CASES,
}


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[PhpPeer]:
    home = tmp_path / "peer"
    home.mkdir()
    with running(home) as there:
        yield there


@pytest.fixture
def directory(tmp_path: Path, peer: PhpPeer) -> Directory:
    local = f"sqlite:///{tmp_path / 'approval.db'}"
    fill(local, 60, seed=3, rates=Rates.none())
    environment = {"LOCAL_URL": local, "DAREWAY_URL": peer.url("dareway"), "HUB_STORE": f"sqlite:///{tmp_path / 'hub.db'}"}
    made = shipped(tmp_path, environment, frozenset({"local"}))
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    return made


def test_the_other_style_needs_no_python(directory: Directory, peer: PhpPeer) -> None:
    found = directory.told("check", code=None)["findings"]
    assert [one for one in found if "dareway" in one["file"] or one["severity"] != "warning"] == []
    directory.run("test", "dareway")
    directory.run("check", "--live")
    engine = create_engine(directory.environment["LOCAL_URL"])
    with engine.begin() as connection:
        cases = list(connection.scalars(text("SELECT BJBH FROM T_BJ WHERE SSZX = 'SB' ORDER BY BJBH")))
        connection.execute(text("UPDATE T_BJ SET SQRMC = '王堃·<甲>&\"乙\"' WHERE BJBH = :case"), {"case": cases[0]})
    directory.run("sync", "local")
    held = dict(peer.held())
    assert sorted(held) == cases and len(cases) > 2, "every case, each field as it was"
    assert held[cases[0]]["xm"] == '王堃·<甲>&"乙"'
    directory.run("sync", "dareway")
    with engine.connect() as connection:
        steps = connection.execute(text("SELECT BJBH, HJMC FROM T_BZ WHERE LYXT = 'dareway' ORDER BY BJBH")).all()
    engine.dispose()
    assert [tuple(step) for step in steps] == [(case, "业务初审") for case in cases], "more than fit one answer"
    assert len(directory.told("trace", cases[0])["deliveries"]) == 2
