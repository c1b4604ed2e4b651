"""The supervision side judges keys, digests over GBK, positions, registered processes, order and repetition, in both forms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

import pytest
import sqlalchemy as sa
from lxml import etree

from hub.sandbox.faults import FaultKind
from hub.sandbox.twins.supervision import PATH, SOAP, SupervisionTwin
from hub.sandbox.twins.supervision_rules import (
    BASIC,
    LOG,
    REPLY,
    SUPERVISION,
    Register,
    Submission,
    reply_by,
    warnings,
)
from hub.sandbox.twins.supervision_tables import FREEBACK, SOURCE, Bureau, SupervisionTablesTwin
from hub.sandbox.twins.supervision_wsdl import ENTRANCE, NAMESPACE
from hub.sandbox.web import Answer, Request

ITEM = "1162112500HUB001704622010001000"
CASE, PROCESS = "HUB201612010001", f"ZXZW{ITEM}"
PERSON = ["食品经营许可", "漳县市场监督管理局", "行政许可", "7个工作日", "关于张喆的办件", "承诺件", "个人用户", "张喆", "身份证"]
FIELDS = {
    BASIC: [*PERSON, "621125190503120020", "马·堃", "14000012345", "身份证", "621125190503120020"],
    LOG: ["20161201113000", "陈明", "已审核", "符合要求", "现场勘验"],
    SUPERVISION: ["2016-12-01 11:30:00"],
}


@pytest.fixture
def twin() -> Iterator[SupervisionTwin]:
    made = SupervisionTwin(Bureau("sqlite://"), Register([ITEM]))
    made.create()
    yield made
    made.stop()


def positions(values: list[str]) -> str:
    return "".join(f"<field_{number}>{escape(value)}</field_{number}>" for number, value in enumerate(values, start=1))


def digest(text: str) -> str:
    return hashlib.md5(text.encode("gb18030"), usedforsecurity=False).hexdigest()


def post(operation: str, values: dict[str, str], *, cdata: bool = True, charset: str = "utf-8") -> Request:
    def written(name: str, value: str) -> str:
        return f"<{name}><![CDATA[{value}]]></{name}>" if cdata and name == "processData" else f"<{name}>{escape(value)}</{name}>"

    inner = "".join(written(name, value) for name, value in values.items())
    body = f'<soap:Body><n:{operation} xmlns:n="{NAMESPACE}">{inner}</n:{operation}></soap:Body>'
    text = f'<soap:Envelope xmlns:soap="{SOAP}">{body}</soap:Envelope>'
    return Request("POST", PATH, "", {"content-type": "text/xml; charset=utf-8"}, text.encode(charset))


def said(answer: Answer) -> str:
    root = etree.fromstring(answer.body)
    return str(root.findtext(".//return/return") or f"fault {root.findtext('.//faultstring')}")


def key(twin: SupervisionTwin, password: str = "sandbox-supervision-secret", plat: str = "621125") -> str:
    return said(twin.answer(post("serverHander", {"platCode": plat, "platPwd": password}), None))


def call(twin: SupervisionTwin, name: str = BASIC, fields: list[str] | None = None, **changes: str) -> dict[str, str]:
    data = positions(FIELDS[name] if fields is None else fields)
    process = PROCESS if name == BASIC else f"{PROCESS}.2"
    told = {"loginKey": key(twin), "msgName": name, "transactionID": f"t-{name}", "businessID": CASE, "processID": process}
    ours = dict.fromkeys(("orgCode", "orgID", "sourceID", "sourceCode"), "621125")
    fixed = {"destCode": "JC621100", "destID": "JC621100", "version": "1.0.0", "timeStamp": "20161201113005"}
    return {**fixed, **ours, **told, "processData": data, "security": digest(changes.get("processData", data)), **changes}


def send(twin: SupervisionTwin, *arguments: Any, **changes: str) -> str:
    return said(twin.answer(post("serverEntrance", call(twin, *arguments, **changes)), None))


def test_a_case_and_its_steps_are_taken(twin: SupervisionTwin) -> None:
    assert [send(twin), send(twin, LOG), send(twin, SUPERVISION)] == ["0", "0", "0"]
    case, log, _ = twin.held()
    assert (case.endpoint, case.row, case.content["field_8"], case.content["field_11"]) == (BASIC, f"t-{BASIC}", "张喆", "马·堃")
    assert log.content | {"PROCESS_ID": f"{PROCESS}.2", "field_3": "已审核"} == log.content


def test_the_same_transaction_again_is_told_apart_from_a_correction(twin: SupervisionTwin) -> None:
    assert [send(twin), send(twin)] == ["0", "006 业务流水号重复"]
    corrected = [*FIELDS[BASIC][:11], "14000054321", *FIELDS[BASIC][12:]]
    assert send(twin, BASIC, corrected) == "0"
    stats = twin.stats()
    assert (stats["taken"], stats["duplicates"], stats["updated"], stats["held"]) == (1, 1, 1, 1)


def test_a_key_is_good_for_its_time_and_its_uses(twin: SupervisionTwin) -> None:
    assert send(twin, loginKey="") == send(twin, loginKey="0" * 32) == "001"
    twin.keys.uses = 1
    once = key(twin)
    assert [send(twin, loginKey=once), send(twin, loginKey=once)] == ["0", "001"]
    twin.keys.seconds = 0.0
    assert send(twin, LOG) == "001"
    assert twin.stats()["refused"]["001"] == 4


@pytest.mark.parametrize(("changes"), [{"password": "x"}, {"plat": "621126"}])
def test_a_wrong_password_yields_no_key(twin: SupervisionTwin, changes: dict[str, str]) -> None:
    assert key(twin, **changes).startswith("002 ")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"security": "0" * 32}, "003"),
        ({"security": digest(positions(FIELDS[BASIC])).upper()}, "003"),
        ({"processData": positions([*PERSON[:7], "马䶮", *FIELDS[BASIC][8:]])}, "003"),  # GBK cannot say it: no digest is right
        ({"processID": f"ZXZW{ITEM[:-1]}9"}, "004"),
        ({"processID": ITEM}, "004"),
        ({"processID": f"{PROCESS}.x"}, "004"),
        ({"processID": f"{PROCESS}.21"}, "004"),
        ({"processID": f"{PROCESS}.1"}, "005"),
        ({"version": "1.0"}, "005"),
        ({"timeStamp": "2016-12-01 11:30:05"}, "005"),
        ({"transactionID": ""}, "005"),
        ({"businessID": ""}, "005"),
        ({"destID": "JC000000"}, "002"),
        ({"sourceCode": "621126"}, "002"),
        ({"msgName": "warnInfoSubmit"}, "008"),
        ({"processData": "x"}, "005"),
        ({"processData": "<field_1>"}, "005"),
        ({"processData": positions(FIELDS[BASIC]).replace("field_2", "field_02")}, "005"),
        ({"processData": positions(FIELDS[BASIC]) + "<field_15/>"}, "005"),
        ({"processData": positions(FIELDS[BASIC][:13])}, "005"),
    ],
)
def test_what_is_wrong_with_a_call_has_its_code(twin: SupervisionTwin, changes: dict[str, str], code: str) -> None:
    assert send(twin, **changes)[:3] == code
    assert not twin.held() and twin.stats()["refused"] == {code: 1}


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (1, ""),
        (8, " "),
        (8, "名" * 101),
        (10, ""),
        (3, "行政审批"),
        (4, "七个工作日"),
        (6, "9"),
        (7, "法人"),
        (9, "SF"),
        (5, "题" * 1001),
    ],
)
def test_a_position_that_is_wrong_is_named(twin: SupervisionTwin, number: int, value: str) -> None:
    fields = [*FIELDS[BASIC][: number - 1], value, *FIELDS[BASIC][number:]]
    assert send(twin, BASIC, fields).startswith(f"005 field_{number} ")


@pytest.mark.parametrize(
    ("number", "value"), [(1, "2016-12-01 11:30:00"), (1, "20161301000000"), (1, "29990101000000"), (3, "转办")]
)
def test_a_log_is_judged_likewise(twin: SupervisionTwin, number: int, value: str) -> None:
    send(twin)
    fields = [*FIELDS[LOG][: number - 1], value, *FIELDS[LOG][number:]]
    assert send(twin, LOG, fields).startswith(f"005 field_{number} ")


def test_positions_that_may_be_empty_must_still_be_there(twin: SupervisionTwin) -> None:
    assert send(twin, BASIC, [*FIELDS[BASIC][:10], "", "", "", ""]) == "0"
    assert send(twin, BASIC, FIELDS[BASIC][:10], transactionID="other").startswith("005 应有14个位置")


def test_a_step_before_its_case_is_an_order_violation(twin: SupervisionTwin) -> None:
    assert send(twin, LOG) == "007 基本信息未到"
    assert twin.stats()["order_violations"] == 1


def test_process_data_stands_in_cdata(twin: SupervisionTwin) -> None:
    assert said(twin.answer(post("serverEntrance", call(twin), cdata=False), None)).startswith("005 过程数据应在 CDATA 里")


@pytest.mark.parametrize("missing", ENTRANCE)
def test_every_parameter_must_be_there(twin: SupervisionTwin, missing: str) -> None:
    values = {name: value for name, value in call(twin).items() if name != missing}
    assert said(twin.answer(post("serverEntrance", values), None)).startswith("fault 参数不全")


def test_what_is_no_call_of_the_service_is_a_fault(twin: SupervisionTwin) -> None:
    assert said(twin.answer(post("serverEntrance", call(twin), charset="gb18030"), None)).startswith("fault 报文不是 UTF-8")
    assert said(twin.answer(post("other", {}), None)) == "fault 没有这个操作"
    assert said(twin.refusal(FaultKind.BUSY, post("serverEntrance", {}))).startswith("009 ")


def log(at: str, action: str, step: int = 1, case: str = CASE) -> Submission:
    return Submission(LOG, f"{case}.{step}", case, f"{PROCESS}.{step}", (at, "陈明", action, "", "审核"))


def told(days: int, *logs: Submission) -> list[tuple[str, str, str]]:
    basic = Submission(BASIC, "t", CASE, PROCESS, (*PERSON[:3], f"{days}个工作日", *PERSON[4:]))
    return [(one.reason[:4], one.kind, one.process[-1]) for one in warnings([basic, *logs])]


def test_warnings_follow_from_what_was_told() -> None:
    monday = log("20161205090000", "申请")
    assert told(3, monday, log("20161208170000", "办结", 2)) == []
    assert told(3, monday, log("20161209170000", "办结", 2)) == [], "one working day late is no warning yet"
    assert told(3, monday, log("20161212170000", "办结", 2)) == [("A002", "1", "2"), ("A004", "1", "2")], "no weekend counts"
    assert told(3, monday, log("20161213170000", "办结", 2)) == [("A002", "1", "2"), ("A004", "2", "2")]
    assert told(9, monday, log("20161206090000", "退回", 2)) == [("A007", "1", "2")]
    assert told(3, monday, log("20161230170000", "已审核", 2)) == [("A002", "1", "2")], "an open case is not late by its steps"
    assert reply_by(date(2016, 12, 1)) == "20161208"


def test_a_warning_is_raised_once_and_answered_by_soap(twin: SupervisionTwin) -> None:
    send(twin)
    send(twin, LOG, ["20161201113000", "陈明", "退回", "不全", "现场勘验"])
    assert (twin.work(), twin.work()) == (1, 0)
    with twin.bureau.engine.connect() as connection:
        [row] = connection.execute(sa.select(FREEBACK)).mappings()
    assert (row["BUS_PLATCODE"], row["BUSINESS_ID"], row["FB_TYPE"], row["WARN_TYPE"]) == ("621125", CASE, "4", "1")
    reply = [row["ESUPER_ID"], "已一次性告知", "马堃", "2016-12-06 10:00:00"]
    assert send(twin, REPLY, ["JC0", *reply[1:]], processID=row["PROCESS_CODE"]).startswith("005 field_1 没有这一条预警")
    assert send(twin, REPLY, reply, processID=row["PROCESS_CODE"]) == "0"
    assert twin.bureau.counts() == {"yellow": 1, "red": 0, "answered": 1}


# --- by middle table ---


@pytest.fixture
def tables() -> Iterator[SupervisionTablesTwin]:
    made = SupervisionTablesTwin("sqlite://", Register([ITEM]))
    made.create()
    yield made
    made.stop()


def row(name: str, **changes: str | None) -> dict[str, str | None]:
    codes = dict.fromkeys(("SOURCES_ID", "SOURCES_CODE", "ORIGINAL_ID", "ORIGINAL_CODE"), "621125")
    ends = dict.fromkeys(("DESTINATION_ID", "DESTINATION_CODE"), "JC621100")
    serial = {"SERIAL_ID": f"s-{name}", "TRANSACTION_ID": f"t-{name}", "MESSAGE_NUM": "1", "MSG_NAME": name, "BUSINESS_ID": CASE}
    fixed = {"STATUS": "000", "CREATE_DATE": "2016-12-01 11:30:05", "RECEIVE_TYPE": "1", "IS_PARSE": "1", "VERSION": "1.0"}
    body = {"PROCESS_ID": PROCESS if name == BASIC else f"{PROCESS}.2", "XMLBODY": positions(FIELDS.get(name, []))}
    return {**codes, **ends, **serial, **fixed, **body, **changes}


def put(tables: SupervisionTablesTwin, *rows: dict[str, str | None]) -> dict[str, str]:
    with tables.bureau.engine.begin() as connection:
        for one in rows:
            connection.execute(sa.insert(SOURCE), one)
    assert tables.work() >= len(rows)
    with tables.bureau.engine.connect() as connection:
        return {found.MSG_NAME: found.STATUS for found in connection.execute(sa.select(SOURCE))}


def test_rows_are_judged_whatever_their_order_in_the_table(tables: SupervisionTablesTwin) -> None:
    assert put(tables, row(LOG), row(SUPERVISION), row(BASIC)) == {LOG: "0", SUPERVISION: "0", BASIC: "0"}
    assert tables.work() == 0 and tables.stats()["order_violations"] == 0
    assert {one.row: one.content.get("field_1") for one in tables.held()}[f"t-{LOG}"] == "20161201113000"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RECEIVE_TYPE": "3"}, "005"),
        ({"ORIGINAL_ID": None}, "002"),
        ({"DESTINATION_CODE": "x"}, "002"),
        ({"PROCESS_ID": None}, "004"),
        ({"XMLBODY": None}, "005"),
        ({"VERSION": None}, "005"),
        ({"MESSAGE_NUM": None}, "005"),
        ({"MSG_NAME": "x"}, "008"),
    ],
)
def test_a_row_that_is_wrong_gets_its_code(tables: SupervisionTablesTwin, changes: dict[str, str | None], code: str) -> None:
    assert list(put(tables, row(BASIC, **changes)).values()) == [code]
    assert tables.stats()["refused"] == {code: 1}


def test_a_step_without_its_case_is_counted(tables: SupervisionTablesTwin) -> None:
    assert put(tables, row(LOG)) == {LOG: "007"}
    assert tables.stats()["order_violations"] == 1


def test_two_rows_of_one_transaction_are_seen(tables: SupervisionTablesTwin) -> None:
    put(tables, row(BASIC), row(BASIC, SERIAL_ID="again"))
    assert tables.stats()["doubled"] == 1


def test_a_reply_must_answer_a_warning(tables: SupervisionTablesTwin) -> None:
    returned = positions(["20161201113000", "陈明", "退回", "不全", "现场勘验"])
    put(tables, row(BASIC), row(LOG, XMLBODY=returned))
    [(_, number)] = tables.offered()
    with tables.bureau.engine.connect() as connection:
        [warning] = connection.execute(sa.select(FREEBACK)).mappings()
    assert warning["FB_ID"] == number
    told = {"WARN_REPLYINFO": "已告知", "WARN_REPLYUSER": "马堃", "REPLY_TIME": "2016-12-06 10:00:00", "RECEIVE_TYPE": "3"}
    wrong = row(REPLY, XMLBODY=None, TRANSATCION_OID="JC0", **told)
    right = row(REPLY, XMLBODY=None, TRANSATCION_OID=warning["ESUPER_ID"], SERIAL_ID="2", TRANSACTION_ID="2", **told)
    put(tables, wrong, right)
    with tables.bureau.engine.connect() as connection:
        codes = connection.execute(sa.select(SOURCE.c.STATUS).filter_by(MSG_NAME=REPLY)).scalars().all()
    assert sorted(codes) == ["0", "005"]
    assert tables.bureau.counts()["answered"] == 1
