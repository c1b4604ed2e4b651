"""XML documents in columns, both ways, and verdicts out of them: a city's shared tables. One body, three databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from hub.errors import Failure, Misconfigured, Rejected
from hub.model import Judgement, Message, Operation, Page, Receipt, Unreadable, Verdict
from tests.databases import adapter, ddl, engine, keys, make, message, records, rows, run

INFO = """
CREATE TABLE {table} (
  unid VARCHAR(50) PRIMARY KEY, type VARCHAR(10), createtime VARCHAR(19), action VARCHAR(1), applyfrom VARCHAR(2), content {blob}
)"""
SYNC = "CREATE TABLE provinceinfosync (unid VARCHAR(50) PRIMARY KEY, etype VARCHAR(10), updatetime VARCHAR(19))"
XML = {
    "element": "Case",
    "attributes": {"unid": "$body.unid", "type": "$body.type"},
    "children": [{"element": "Body", "fields": "$body.content"}],
}
ENDPOINT = {
    "table": "cityinfo",
    "key": "unid",
    "columns": ["unid", "type"],
    "sync": {"operation": "action", "time": "createtime"},
    "initial": {"applyfrom": "20"},
    "documents": {"content": {"encoding": "gbk", "declare": "GB2312", "xml": XML}},
}
CONFIRM = {
    "table": "provinceinfosync",
    "by": {"unid": "unid"},
    "set": {"etype": "1", "updatetime": "$now"},
    "failed": {"etype": "9"},
}
DOWN = {"table": "provinceinfo", "key": "unid", "time": "createtime", "confirm": CONFIRM}
FEED = {**DOWN, "match": {"type": ["80", "85"]}, "documents": {"content": {"root": "Case", "lists": ["Attr"]}}}
RULE = {
    **DOWN,
    "endpoint": "info",
    "match": {"type": "99"},
    "documents": {"content": {"root": "Feedback"}},
    "row": "content.Body.CaseUnid",
    "said": "content.Body.Result",
    "verdicts": [
        {"path": "content.Body.Result", "matches": "^成功", "means": "confirmed"},
        {"path": "content.Body.Result", "present": True, "means": "rejected"},
    ],
}


def case(n: int, **content: Any) -> Message:
    body = {"unid": f"U{n}", "type": "10", "content": {"ApasInfo": {"SN": f"P{n}", **content}}}
    return replace(message(n, endpoint="info"), body=body)


def hand_down(one: sa.Engine, unid: str, kind: str, content: bytes, time: str = "2016-12-13 10:00:00") -> None:
    sql = "INSERT INTO provinceinfo VALUES (:unid, :type, :time, 'I', '10', :content)"
    run(one, sql, {"unid": unid, "type": kind, "time": time, "content": content})


def feedback(row: str, result: str) -> bytes:
    body = f"<Body><CaseUnid>{row}</CaseUnid><SN>P</SN><Result>{result}</Result></Body>"
    text = f'<?xml version="1.0" encoding="GB2312"?><Feedback><Router><Time/></Router>{body}</Feedback>'
    return text.encode("gb18030")


def confirmed(one: sa.Engine) -> dict[str, str]:
    return dict(rows(one, "SELECT unid, etype FROM provinceinfosync"))  # type: ignore[arg-type]


def faults(pages: list[Page]) -> list[Unreadable]:
    return [fault for page in pages for fault in page.faults]


# --- written ---


def test_a_body_is_written_as_a_document_in_its_encoding(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}) as subject:
        ddl(over_there, INFO, table="cityinfo")
        assert subject.send([case(1, Name="王喆·—", Extend="")]) == [Receipt()]
        again = replace(case(1, Name="改"), operation=Operation.UPDATE)
        assert subject.send([case(2, Name="]]><b/>"), again]) == [Receipt(), Receipt()]
        [(one, action, time, source), (two, *_)] = rows(
            over_there, "SELECT content, action, createtime, applyfrom FROM cityinfo ORDER BY unid"
        )
        start = '<?xml version="1.0" encoding="GB2312"?><Case unid="U1" type="10">'
        whole = f"{start}<Body><ApasInfo><SN>P1</SN><Name>改</Name></ApasInfo></Body></Case>"
        assert (bytes(one), action, time, source) == (whole.encode("gbk"), "U", "2016-12-13 09:02:03", "20")
        assert b"<Name>]]&gt;&lt;b/&gt;</Name>" in bytes(two)


def test_a_row_in_doubt_is_found_by_its_document(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}) as subject:
        ddl(over_there, INFO, table="cityinfo")
        subject.send([case(1, Name="王喆")])
        assert subject.find(case(1, Name="王喆")) is not None
        assert subject.find(case(1, Name="王喆喆")) is None
        assert subject.find(case(1, Name="马䶮")) is None
        assert subject.find(case(2)) is None


def test_only_the_one_that_cannot_be_written_is_refused(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}) as subject:
        ddl(over_there, INFO, table="cityinfo")
        outcomes = subject.send([case(1), case(2, Name="马䶮"), case(3)])
        assert [type(outcome) for outcome in outcomes] == [Receipt, Rejected, Receipt]
        assert isinstance(outcomes[1], Failure)
        assert outcomes[1].message == "character U+4DAE in Name cannot be written in gbk"
        assert rows(over_there, "SELECT unid FROM cityinfo ORDER BY unid") == [("U1",), ("U3",)]


def test_a_field_no_column_and_no_document_has_is_a_fault_of_the_set_up(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}) as subject:
        ddl(over_there, INFO, table="cityinfo")
        stray = replace(case(1), body={**case(1).body, "applyfrom2": "x"})
        [outcome] = subject.send([stray])
        assert isinstance(outcome, Misconfigured)


def test_a_text_column_gets_the_text(database_url: str) -> None:
    endpoint = {**ENDPOINT, "documents": {"content": {"xml": XML, "declare": False}}}
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": endpoint}) as subject:
        ddl(over_there, INFO.replace("{blob}", "{text}"), table="cityinfo")
        subject.send([case(1, Name="喆堃䶮𬎆")])
        [(text,)] = rows(over_there, "SELECT content FROM cityinfo")
        assert text.startswith('<Case unid="U1" type="10"><Body><ApasInfo><SN>P1</SN><Name>喆堃䶮𬎆</Name>')


# --- read ---


def test_the_kinds_of_one_table_are_read_apart_and_confirmed(database_url: str) -> None:
    feeds = {"step": FEED, "pause": {**FEED, "match": {"type": "81"}}}
    with engine(database_url) as over_there, adapter(database_url, feeds=feeds) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        ddl(over_there, SYNC)
        body = "<Body><SN>喆堃䶮𬎆·—</SN><Attrs><Attr><N/></Attr></Attrs></Body>"
        text = f'<?xml version="1.0" encoding="{{}}"?><Case type="80">{body}</Case>'
        hand_down(over_there, "A", "80", text.format("GB2312").encode("gb18030"))
        hand_down(over_there, "B", "85", text.format("UTF-8").encode("utf-8-sig"))
        hand_down(over_there, "C", "80", text.format("GBK").encode("utf-8"))
        hand_down(over_there, "D", "81", text.format("GBK").encode("gb18030"))
        hand_down(over_there, "E", "99", feedback("U1", "成功"))
        pages = list(subject.read(None))
        assert [(record.kind, record.key) for record in records(pages)] == [
            ("step", "A"),
            ("step", "B"),
            ("step", "C"),
            ("pause", "D"),
        ]
        expected = {"@type": "80", "Body": {"SN": "喆堃䶮𬎆·—", "Attrs": {"Attr": [{"N": ""}]}}}
        assert [record.data["content"] for record in records(pages)] == [expected] * 4
        assert confirmed(over_there) == {"A": "1", "B": "1", "C": "1", "D": "1"}
        assert keys(list(subject.read(pages[-1].cursor))) == []


def test_a_damaged_document_is_accounted_for_and_confirmed_as_failed(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, feeds={"step": FEED}) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        ddl(over_there, SYNC)
        hand_down(over_there, "A", "80", "<Case><Body>喆".encode())
        hand_down(over_there, "B", "80", '<?xml version="1.0" encoding="UTF-8"?><Case>喆</Case>'.encode("gbk"))
        hand_down(over_there, "C", "80", "<Case><SN>好</SN></Case>".encode())
        hand_down(over_there, "D", "80", b"<Other/>")
        pages = list(subject.read(None))
        assert keys(pages) == ["C"]
        assert sorted((fault.key, fault.code) for fault in faults(pages)) == [
            ("A", "HUB-S-316"), ("B", "HUB-S-311"), ("D", "HUB-S-317"),
        ]  # fmt: skip
        assert not any("喆" in fault.reason for fault in faults(pages))
        assert confirmed(over_there) == {"A": "9", "B": "9", "C": "1", "D": "9"}


def test_rows_are_told_apart_where_time_or_a_claim_says_what_is_new(database_url: str) -> None:
    timed = {"table": "provinceinfo", "key": "unid", "time": "createtime", "documents": {"content": {}}, "match": {"type": "80"}}
    claimed = {**timed, "claim": {"status": "applyfrom", "new": ["10"], "taken": "19", "failed": "18"}, "match": {"type": "81"}}
    with engine(database_url) as over_there, adapter(database_url, feeds={"timed": timed, "claimed": claimed}) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        for unid, kind in {"A": "80", "B": "81", "C": "82"}.items():
            hand_down(over_there, unid, kind, b"<Case/>")
        assert [(record.kind, record.key) for record in records(list(subject.read(None)))] == [("timed", "A"), ("claimed", "B")]
        assert rows(over_there, "SELECT unid, applyfrom FROM provinceinfo ORDER BY unid") == [("A", "10"), ("B", "19"), ("C", "10")]


def test_a_record_may_be_called_by_what_its_document_says(database_url: str) -> None:
    feed = {**FEED, "match": {"type": "81"}, "record_key": ["content.Node.Guid", "type"]}
    with engine(database_url) as over_there, adapter(database_url, feeds={"pause": feed}) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        ddl(over_there, SYNC)
        for unid, guid in {"A": "N1", "B": "N2", "C": "", "D": "N1"}.items():
            hand_down(over_there, unid, "81", f"<Case><Node><Guid>{guid}</Guid></Node></Case>".encode())
        pages = list(subject.read(None))
        assert keys(pages) == ["N1|81", "N2|81", "N1|81"]
        assert [(fault.key, fault.code) for fault in faults(pages)] == [("C", "HUB-S-319")]
        assert confirmed(over_there) == {"A": "1", "B": "1", "C": "9", "D": "1"}


# --- verdicts ---


def test_verdicts_are_read_out_of_documents_and_confirmed(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}, feedback=[RULE]) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        ddl(over_there, SYNC)
        hand_down(over_there, "A", "99", feedback("U1", "申请人类型不在字典内 11010519000101002X"))
        hand_down(over_there, "B", "99", feedback("U2", "成功"))
        hand_down(over_there, "C", "80", b"<Case/>")
        [page] = list(subject.verdicts(None))
        assert page.verdicts == (
            Verdict("info", "U1", None, Judgement.REJECTED, "申请人类型不在字典内 110105********002X", "provinceinfo A"),
            Verdict("info", "U2", None, Judgement.CONFIRMED, "成功", "provinceinfo B"),
        )
        assert confirmed(over_there) == {"A": "1", "B": "1"}
        assert list(subject.verdicts(page.cursor)) == []


def test_a_verdict_nobody_can_read_is_told_and_never_lost_in_silence(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}, feedback=[RULE]) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        ddl(over_there, SYNC)
        hand_down(over_there, "A", "99", "<Feedback>喆".encode("gbk"))
        hand_down(over_there, "B", "99", feedback("", "不合格"))
        hand_down(over_there, "C", "99", feedback("U3", ""))
        hand_down(over_there, "D", "99", feedback("U4", "不合格"))
        [page] = list(subject.verdicts(None))
        assert [verdict.row for verdict in page.verdicts] == ["U4"]
        assert [(fault.key, fault.code) for fault in page.faults] == [
            ("A", "HUB-S-311"), ("B", "HUB-S-318"), ("C", "HUB-S-318"),
        ]  # fmt: skip
        assert confirmed(over_there) == {"A": "9", "B": "9", "C": "9", "D": "1"}


def test_verdicts_that_are_not_yet_durable_come_again(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, endpoints={"info": ENDPOINT}, feedback=[RULE]) as subject:
        ddl(over_there, INFO, table="provinceinfo")
        ddl(over_there, SYNC)
        hand_down(over_there, "A", "99", feedback("U1", "不合格"))
        assert next(subject.verdicts(None)).verdicts
        assert confirmed(over_there) == {}
        assert [page.verdicts[0].row for page in subject.verdicts(None)] == ["U1"]


def test_check_looks_for_every_column_that_is_named(database_url: str) -> None:
    endpoint = {**ENDPOINT, "documents": {"inhalt": {"xml": XML}}}
    feed = {**FEED, "match": {"typ": "80"}, "documents": {"inhalt": {}}}
    rule = {**RULE, "confirm": {**CONFIRM, "table": "nosync"}}
    with engine(database_url) as over_there:
        for name in ("cityinfo", "provinceinfo"):
            ddl(over_there, INFO, table=name)
        ddl(over_there, SYNC)
        good = make(database_url, endpoints={"info": ENDPOINT}, feeds={"step": FEED}, feedback=[RULE])
        good.check()
        good.close()
        with adapter(database_url, endpoints={"info": endpoint}, feeds={"step": feed}, feedback=[rule]) as subject:
            with pytest.raises(Misconfigured) as caught:
                subject.check()
            for words in ("cityinfo has no column inhalt", "provinceinfo has no column typ", "no table nosync"):
                assert words in caught.value.message
