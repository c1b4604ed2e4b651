"""Proves both forms of the supervision interface: events up, warnings down with their deadline, replies up, a key that expires."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from hub.engine import replay
from hub.model import State
from hub.sandbox import national, replies
from hub.sandbox.faults import FaultKind
from hub.sandbox.flaws import Flaw, FlawKind, Rates
from hub.sandbox.twins.supervision import SupervisionTwin
from hub.sandbox.twins.supervision_rules import BASIC, LOG, REPLY, SUPERVISION, reply_by
from hub.sandbox.twins.supervision_tables import FREEBACK, SupervisionTablesTwin
from hub.sandbox.twins.supervision_wsdl import wsdl
from hub.store import schema
from hub.store.scopes import Scope
from tests.commands import ROOT, Directory
from tests.e2e.county import County, county

BOTH = ("supervision", "supervision-tables")
TITLE = "关于阿卜杜·堃喆——<甲&乙>]]>的办件"
#: Cases of the hall itself that came to their end, with the number of their steps; those whose item no other case has first.
ENDED = """
    SELECT B.BJBH, B.SXBM, COUNT(*) AS STEPS, (SELECT COUNT(*) FROM T_BJ O WHERE O.SXBM = B.SXBM) AS ALIKE
    FROM T_BJ B JOIN T_BZ Z ON Z.BJBH = B.BJBH WHERE B.SSZX = '' AND B.CNQXGZR < 20
    GROUP BY B.BJBH, B.SXBM HAVING MAX(Z.HJZT) = '6' ORDER BY ALIKE, B.BJBH"""


@dataclass(frozen=True)
class Chosen:
    """Cases that a test changes: one with a step sent back, one that ends late, and three more whose item is their own."""

    returned: str
    late: str
    named: str
    unsayable: str
    unregistered: str
    steps: dict[str, int]
    items: dict[str, str]


def chosen(here: County) -> Chosen:
    """Choose the cases, let a step of one be sent back, and another end two months after its last step but one."""
    ended = here.local(ENDED)
    late, returned = [row.BJBH for row in ended if row.STEPS > 1][:2]
    named, unsayable, unregistered = [row.BJBH for row in ended if row.BJBH not in (late, returned) and row.ALIKE == 1][:3]
    here.local("UPDATE T_BZ SET HJZT = '3' WHERE BJBH = :case AND XH = 1", case=returned)
    ends = "(SELECT MAX(XH) FROM T_BZ O WHERE O.BJBH = :case)"
    here.local(f"UPDATE T_BZ SET JSSJ = datetime(KSSJ, '+60 days') WHERE BJBH = :case AND XH = {ends}", case=late)
    steps, items = {row.BJBH: row.STEPS for row in ended}, {row.BJBH: row.SXBM for row in ended}
    return Chosen(returned, late, named, unsayable, unregistered, steps, items)


def soap(here: County) -> SupervisionTwin:
    return cast(SupervisionTwin, here.sandbox.twins["supervision"])


def tables(here: County) -> SupervisionTablesTwin:
    return cast(SupervisionTablesTwin, here.sandbox.twins["supervision-tables"])


def states(here: County, system: str) -> Counter[State]:
    return next(line.states for line in here.account().lines if line.system == system)


def retry(here: County, system: str, stage: str) -> int:
    return replay.retry(here.service.exchange, Scope(system=system, stage=stage), remap=False, actor="t", reason="已登记").retried


def warnings(here: County) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the colour, the deadline, the state, the reply and the process of each warning, by its case and its rule."""
    rows = here.local("SELECT BJBH, YJYY, YJLX, HFQX, YJZT, HFNR, GCBM FROM T_JCYJ")
    return {(row.BJBH, row.YJYY[:4]): (row.YJLX, row.HFQX, row.YJZT, row.HFNR or "", row.GCBM) for row in rows}


def test_events_go_up_by_soap_and_warnings_come_down_and_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "ANSWERED", 0.0)
    with county(tmp_path, *BOTH, cases=40) as here:
        of = chosen(here)
        here.local("UPDATE T_BJ SET SQRMC = '阿卜杜·堃喆', SBXMMC = :title WHERE BJBH = :case", title=TITLE, case=of.named)
        here.local("UPDATE T_BJ SET SQRMC = '马䶮' WHERE BJBH = :case", case=of.unsayable)
        flaw = Flaw(FlawKind.OUTSIDE_GBK, "T_BJ", of.unsayable, of.unsayable, "SQRMC", frozenset({"supervision"}))
        assert here.sandbox.truth is not None
        here.sandbox.truth.flaws.append(flaw)
        soap(here).keys.uses = 9
        soap(here).register.items.discard(of.items[of.unregistered])
        here.rounds()

        assert soap(here).handshakes > 5 and soap(here).stats()["refused"]["001"] >= 5, "the key expired again and again"
        dead = {(group.stage, group.reason): group.count for group in here.dead("supervision")}
        assert dead.pop(("map", "field_8: encoding")) == 1, "refused by name before it was sent"
        assert [(stage, reason.endswith("过程编码未登记")) for stage, reason in dead] == [("send", True)]
        waiting = of.steps[of.unsayable] + of.steps[of.unregistered]
        assert states(here, "supervision")[State.PARKED] == 2 * waiting, "what belongs to the two cases waits"
        soap(here).register.items.add(of.items[of.unregistered])
        assert retry(here, "supervision", "send") == 1
        here.rounds()

        steps = here.local("SELECT BJBH, HJZT FROM T_BZ WHERE BJBH <> :case", case=of.unsayable)
        assert Counter(one.endpoint for one in here.held("supervision")) == {BASIC: 39, LOG: len(steps), SUPERVISION: len(steps)}
        [named] = [one for one in here.held("supervision", BASIC) if one.content["BUSINESS_ID"] == of.named]
        assert (named.content["field_5"], named.content["field_8"]) == (TITLE, "阿卜杜·堃喆")
        logs = [one.content for one in here.held("supervision", LOG) if one.content["BUSINESS_ID"] == of.returned]
        said = {log["PROCESS_ID"].rpartition(".")[2]: log["field_3"] for log in logs}
        assert (len(logs), said["1"], said[str(of.steps[of.returned])]) == (of.steps[of.returned], "退回", "办结")

        deadline = reply_by(national.now().date())
        found, last = warnings(here), f"ZXZW{of.items[of.late]}.{of.steps[of.late]}"
        assert found[of.returned, "A007"] == ("1", deadline, "0", "", f"ZXZW{of.items[of.returned]}.1")
        assert found[of.late, "A002"] == ("1", deadline, "0", "", last)
        assert found[of.late, "A004"] == ("2", deadline, "0", "", last)
        assert known(here) == len(found) and here.held("supervision-tables") == [], "unanswered, and seen by the hub all the same"
        assert rows_to_take(here) == 0, "whoever reads a warning takes it away"

        monkeypatch.setattr(replies, "ANSWERED", 1.0)
        here.rounds()
        assert here.failing() == []
        answers = {row.content["BUSINESS_ID"]: row.content for row in here.held("supervision-tables")}
        assert set(answers) == {case for case, _ in found}
        late = answers[of.late]
        assert (late["MSG_NAME"], late["RECEIVE_TYPE"], late["STATUS"], late["XMLBODY"]) == (REPLY, "3", "0", None)
        assert late["WARN_REPLYINFO"] in {reply for _, _, state, reply, _ in warnings(here).values() if state == "1"}
        counted = tables(here).stats()["warnings"]
        assert counted["answered"] == len(found) == counted["yellow"] + counted["red"]
        assert states(here, "supervision-tables") == {State.CONFIRMED: len(found)}


def test_planted_flaws_are_stopped_and_bad_days_lose_nothing(tmp_path: Path) -> None:
    with county(tmp_path, *BOTH, cases=60, rates=Rates().scaled(10), faults="many") as here:
        for kind in (FaultKind.REFUSAL, FaultKind.TIMEOUT_AFTER):  # the one blames sound rows, the other costs a minute
            soap(here).plan.change(limits={kind: 0})
        here.rounds()
        assert here.failing() == []
        assert here.sandbox.truth is not None and here.sandbox.truth.refused("supervision")
        assert soap(here).plan.thrown()


def known(here: County) -> int:
    """Count the warnings that the hub has read from the approval database, answered or not."""
    wanted = sa.select(sa.func.count()).where(schema.record.c.source == "local", schema.record.c.kind == "warning")
    with here.service.store.reading() as connection:
        return connection.scalar(wanted) or 0


def rows_to_take(here: County) -> int:
    with tables(here).bureau.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(FREEBACK)) or 0


def by_tables(directory: Directory) -> None:
    """Do what the route file advises, and send the replies the other way too."""
    directory.change("config/routes/supervision.yaml", ("\n    to: supervision/", "\n    to: supervision-tables/"))
    directory.change("config/routes/supervision-tables.yaml", ("to: supervision-tables/warn", "to: supervision/warn"))


def test_events_by_middle_table_and_replies_by_soap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "ANSWERED", 1.0)
    with county(tmp_path, *BOTH, cases=40, prepare=by_tables) as here:
        of = chosen(here)
        tables(here).register.items.discard(of.items[of.unregistered])
        here.rounds()
        late, messages = here.dead("supervision-tables"), 1 + 2 * of.steps[of.unregistered]
        assert [(group.stage, group.count, "004" in group.reason) for group in late] == [("feedback", messages, True)]
        tables(here).register.items.add(of.items[of.unregistered])
        assert retry(here, "supervision-tables", "feedback") == messages
        here.rounds()

        assert here.failing() == []
        held = here.held("supervision-tables")
        [(steps,)] = here.local("SELECT COUNT(*) FROM T_BZ")
        assert Counter(one.endpoint for one in held) == {BASIC: 40, LOG: steps, SUPERVISION: steps}
        assert {(one.content["STATUS"], one.content["RECEIVE_TYPE"], one.content["VERSION"]) for one in held} == {("0", "1", "1.0")}
        assert states(here, "supervision-tables") == {State.CONFIRMED: 40 + 2 * steps}
        [basic] = [one for one in here.life(of.unregistered) if one.route == "supervision-basic"]
        assert (basic.operation, basic.attempts, basic.state) == ("U", 2, State.CONFIRMED), "the same row, told anew after the mend"

        found = warnings(here)
        assert {(of.returned, "A007"), (of.late, "A002"), (of.late, "A004")} <= set(found)
        replied = {one.content["TRANSATCION_OID"]: one.content["WARN_REPLYINFO"] for one in here.held("supervision", REPLY)}
        assert replied == {row.JCBH: row.HFNR for row in here.local("SELECT JCBH, HFNR FROM T_JCYJ")} != {}
        assert tables(here).stats()["warnings"]["answered"] == len(found)


TEMPLATE = """
version: 1
system: supervision
title: 电子监察平台
adapter: soap
options:
  address: ${SUPERVISION_URL}/esuper/services/EsuperServer
  namespaces: {es: "http://esuper.server.example/"}
  time_format: "%Y%m%d%H%M%S"
  secrets: {password: "${SUPERVISION_PASSWORD}"}
  token:
    body:
      element: es:serverHander
      children: [{element: platCode, text: "621125"}, {element: platPwd, text: $secret.password}]
    answer: {inner: text}
    renew_on: [{path: ".", equals: "001"}]
  answer: {inner: text}
  answers: [{path: ".", equals: "0", means: taken}, {path: ".", present: true, means: rejected, said: "."}]
  endpoints:
"""


def without_wsdl(directory: Directory) -> None:
    """Say the same calls by a template of the envelope."""
    constant = {
        "destCode": "JC621100", "destID": "JC621100", "orgCode": "621125", "orgID": "621125", "sourceID": "621125",
        "sourceCode": "621125", "version": "1.0.0",
    }  # fmt: skip
    of_message = {
        "loginKey": "$token", "msgName": "$endpoint", "security": "$digest", "timeStamp": "$stamp", "processData": "$inner",
        "transactionID": "$body.TRANSACTION_ID", "businessID": "$body.BUSINESS_ID", "processID": "$body.PROCESS_ID",
    }  # fmt: skip
    children = [f'          - {{element: {name}, text: "{text}"}}' for name, text in {**constant, **of_message}.items()]
    lines = [TEMPLATE.rstrip()]
    for name, fields in ((BASIC, 14), (LOG, 5), (SUPERVISION, 1)):
        xml = ", ".join(f"{{element: field_{number}, text: $body.field_{number}}}" for number in range(1, fields + 1))
        lines += [f"    {name}:", "      idempotent: true", "      digest: {algorithm: md5, encoding: gbk}"]
        lines += [f"      inner: {{encoding: gbk, wrap: cdata, xml: [{xml}]}}"]
        lines += ["      body:", "        element: es:serverEntrance", "        children:", *children]
    (directory.path / "config/systems/supervision.yaml").write_text("\n".join(lines), "utf-8")


def test_the_same_without_a_wsdl(tmp_path: Path) -> None:
    with county(tmp_path, "supervision", cases=8, prepare=without_wsdl) as here:
        soap(here).keys.uses = 9
        here.rounds()
        assert here.failing() == []
        assert soap(here).handshakes > 2 and len(here.held("supervision", BASIC)) == 8


def test_the_shipped_wsdl_is_the_one_the_service_shows() -> None:
    shipped = (ROOT / "config/wsdl/supervision.wsdl").read_text("utf-8")
    assert shipped == wsdl("http://127.0.0.1:8633/esuper/services/EsuperServer")
