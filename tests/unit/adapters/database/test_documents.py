"""A document in a column: made from a body, taken apart into data, refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.database.documents import DocumentWriter, ReadDocument, WrittenDocument, body_fields, document_reader
from adapters.database.options import DatabaseOptions
from adapters.database.reading import Unfit
from hub.errors import Rejected
from hub.model import Operation
from tests.databases import message

CASE: dict[str, Any] = {
    "element": "Case",
    "attributes": {"unid": "$body.unid", "type": "10", "action": "$operation"},
    "children": [
        {"element": "Router", "children": [{"element": "Time", "text": "$stamp"}]},
        {"element": "Body", "fields": "$body.case"},
    ],
}


def written(body: dict[str, Any], **settings: Any) -> str:
    writer = DocumentWriter(WrittenDocument.model_validate({"xml": CASE, **settings}))
    return writer.text(replace(message(1, operation=Operation.UPDATE), body=body))


def test_a_body_becomes_a_document() -> None:
    assert written({"unid": "U1", "case": {"SN": "1", "Attr": [{"n": "1"}, {"n": "2"}], "Extend": ""}}, encoding="gbk") == (
        '<?xml version="1.0" encoding="GBK"?><Case unid="U1" type="10" action="U"><Router><Time>2016-12-13 09:02:03</Time></Router>'
        "<Body><SN>1</SN><Attr><n>1</n></Attr><Attr><n>2</n></Attr><Extend></Extend></Body></Case>"
    )


def test_a_fragment_is_its_elements_and_nothing_else() -> None:
    xml = [{"element": f"field_{number}", "text": f"$body.field_{number}"} for number in (1, 2, 3)]
    writer = DocumentWriter(WrittenDocument.model_validate({"xml": xml, "encoding": "gbk"}))
    one = replace(message(1), body={"field_1": "马<喆>", "field_3": "·"})
    assert writer.text(one) == "<field_1>马&lt;喆&gt;</field_1><field_2></field_2><field_3>·</field_3>"
    assert writer.encoded(one) == writer.text(one).encode("gbk")


def test_the_same_message_is_the_same_document() -> None:
    writer = DocumentWriter(WrittenDocument.model_validate({"xml": CASE, "time_format": "%Y%m%d%H%M%S"}))
    one = replace(message(1), body={"unid": "U1", "case": {"SN": "1"}})
    assert writer.encoded(one) == writer.encoded(replace(one, attempt=2))
    assert b"<Time>20161213090203</Time>" in writer.encoded(one)


def test_what_ends_a_cdata_section_is_just_text() -> None:
    assert "<SN>a]]&gt;b</SN>" in written({"unid": "U1", "case": {"SN": "a]]>b"}})


def test_a_character_the_encoding_lacks_is_refused_by_field_and_code_point() -> None:
    with pytest.raises(Rejected, match=r"HUB-D-130 character U\+4DAE in ApplyName cannot be written in gbk") as caught:
        written({"unid": "U1", "case": {"Person": {"ApplyName": "马䶮"}}}, encoding="gbk")
    assert "马" not in str(caught.value)


@pytest.mark.parametrize("spec", ["$secret.x", "$cursor", "$token", "$now"])
def test_placeholders_of_elsewhere_are_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="not known here"):
        DocumentWriter(WrittenDocument.model_validate({"xml": {"element": "a", "text": spec}}))


@pytest.mark.parametrize(
    ("node", "fields"),
    [
        (CASE, {"unid", "case"}),
        ({"element": "a", "text": "$key"}, set()),
        ({"element": "a", "children": [{"element": "b", "each": "$body.x", "text": "$item.y"}]}, {"x"}),
        ({"element": "a", "text": "第$json(body.z.q)号"}, {"z"}),
        ({"element": "a", "fields": "$body"}, None),
    ],
)
def test_which_fields_of_the_body_a_document_uses(node: dict[str, Any], fields: set[str] | None) -> None:
    for xml in (node, [{"element": "first"}, node]):
        found = body_fields(WrittenDocument.model_validate({"xml": xml}))
        assert found == (None if fields is None else frozenset(fields))


def read(value: Any, **settings: Any) -> Any:
    return document_reader("content", ReadDocument.model_validate(settings), 1000)(value)


def test_a_column_becomes_data() -> None:
    content = '<?xml version="1.0" encoding="GB2312"?><Case type="80"><Body><SN>喆䶮</SN></Body></Case>'
    expected = {"@type": "80", "Body": {"SN": "喆䶮"}}
    assert read(content.encode("gb18030")) == read(memoryview(content.encode("gb18030"))) == read(content) == expected
    assert read(content, root="Case", lists=["SN"]) == {"@type": "80", "Body": {"SN": ["喆䶮"]}}
    assert read(None) is None


@pytest.mark.parametrize(
    ("value", "settings", "code", "words"),
    [
        (b"", {}, "HUB-S-316", "column content is no readable XML at line 1"),
        ("", {}, "HUB-S-316", "no readable XML"),
        (b"<a>", {}, "HUB-S-316", "no readable XML at line 1, column"),
        (b"<!DOCTYPE a><a/>", {}, "HUB-S-316", "brings a DTD"),
        ("<a>喆</a>".encode("gbk"), {}, "HUB-S-311", "is not utf-8 at byte 3"),
        (b"<a>\xff</a>", {"encoding": ["utf-8", "gbk"]}, "HUB-S-311", "is not gbk at byte 3"),
        ("<Case/>", {"root": "Feedback"}, "HUB-S-317", "no Feedback"),
        (b"<a>" + b"x" * 1000, {}, "HUB-S-312", "max_field"),
        (5, {}, "HUB-S-316", "neither text nor bytes"),
    ],
)
def test_a_damaged_document_says_where_and_never_what(value: Any, settings: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(Unfit, match=words) as caught:
        read(value, **settings)
    assert caught.value.code == code


def test_options_that_cannot_be_meant() -> None:
    def options(**parts: Any) -> DatabaseOptions:
        return DatabaseOptions.model_validate({"url": "sqlite:///x.db", **parts})

    endpoint = {"table": "cityinfo", "key": "unid", "documents": {"content": {"xml": CASE}}}
    with pytest.raises(ValidationError, match="`documents` needs `columns`"):
        options(endpoints={"info": endpoint})
    with pytest.raises(ValidationError, match="no known encoding"):
        ReadDocument.model_validate({"encoding": "gbk2"})
    with pytest.raises(ValidationError, match="`auto` stands alone"):
        ReadDocument.model_validate({"encoding": ["auto", "gbk"]})
    rule: dict[str, Any] = {"endpoint": "info", "row": "unid", "key": "unid", "time": "t", "overlap": "7d"}
    told = {"info": {**endpoint, "columns": ["unid"]}}
    with pytest.raises(ValidationError, match="one of `judgement`, `status` and `verdicts`"):
        options(endpoints=told, feedback=[rule])
    with pytest.raises(ValidationError, match="`match` and `status` name the same column"):
        options(endpoints=told, feedback=[{**rule, "match": {"s": "1"}, "status": {"column": "s", "rejected": ["2"]}}])
    with pytest.raises(ValidationError, match="`time` is expected"):
        options(endpoints=told, feedback=[{**rule, "time": None, "judgement": "rejected"}])
