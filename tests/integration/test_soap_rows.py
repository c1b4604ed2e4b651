"""The SOAP adapter as a source against a raw HTTP peer: where reading resumes, and lists that go wrong."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub.errors import SourceFailed
from hub.model import Page
from tests.integration.http_peer import Peer, Received, Reply

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
BY_TIME = {
    "body": {"element": "list", "attributes": {"since": "$cursor"}},
    "rows": "row",
    "fields": "attributes",
    "key": "no",
    "next": {"by": "time", "time": "at"},
    "start": "2016-01-01 00:00:00",
}
Listed = list[tuple[str, str]]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def source(peer: Peer) -> Iterator[Callable[..., SoapAdapter]]:
    made: list[SoapAdapter] = []

    def make(**feed: Any) -> SoapAdapter:
        options = {"address": f"{peer.url}/ws", "feeds": {"case": {**BY_TIME, **feed}}}
        made.append(SoapAdapter(SoapOptions.model_validate(options), system="far"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def listed(rows: Sequence[tuple[str, str]], pages: int | None = None) -> Reply:
    inside = "".join(f'<row no="{key}" at="{time}"/>' for key, time in rows)
    count = "" if pages is None else f' pages="{pages}"'
    body = f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body><r{count}>{inside}</r></e:Body></e:Envelope>'
    return Reply(200, body.encode(), content_type="text/xml")


def asked(request: Received, name: str) -> str:
    return re.findall(rf'{name}="([^"]*)"', request.body.decode())[0]


def since(rows: Listed, size: int | None = None) -> Callable[[Received], Reply]:
    """Answer with the rows from `since` on, oldest first and no more than `size`; "0" is the beginning."""

    def answer(request: Received) -> Reply:
        first = asked(request, "since")
        found = sorted((row for row in rows if first == "0" or row[1] >= first), key=lambda row: row[1])
        return listed(found[:size])

    return answer


def keys(pages: Sequence[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


def place(page: Page) -> str:
    cursor: str = json.loads(page.cursor or "")["case"]["cursor"]
    return cursor


@pytest.mark.parametrize(
    "wrong", ["2962-12-15 09:00:00", "2962-12-15", "2962/12/15", "2962-12-15T09:00:00+08:00", "待定", "99999999999"]
)
def test_a_time_typed_wrong_is_read_but_does_not_carry_the_cursor_away(peer: Peer, source: Any, wrong: str) -> None:
    rows = [("a", "2016-12-13 09:00:00"), ("wrong", wrong)]
    peer.answer = since(rows)
    adapter = source()
    pages = list(adapter.read(None))
    assert (set(keys(pages)), place(pages[-1])) == ({"a", "wrong"}, "2016-12-13 09:00:00")
    rows.append(("b", "2016-12-14 09:00:00"))
    assert "b" in keys(later := list(adapter.read(pages[-1].cursor)))
    assert list(adapter.read(later[-1].cursor)) == []  # what was read of rows far ahead is known again


def test_only_times_typed_wrong_leave_the_cursor_where_it_was(peer: Peer, source: Any) -> None:
    peer.answer = since([("wrong", "2962-12-15 09:00:00")])
    adapter = source(next={**BY_TIME["next"], "size": 1})  # type: ignore[dict-item]
    (page,) = adapter.read(None)
    assert (keys([page]), place(page)) == (["wrong"], BY_TIME["start"])
    assert list(adapter.read(page.cursor)) == []


def test_a_cursor_that_was_carried_away_is_left(peer: Peer, source: Any) -> None:
    peer.answer = since([("a", "2016-12-13 09:00:00")])
    away = {"cursor": "2962-12-15 09:00:00", "page": 1, "known": [], "seen": "", "latest": []}
    assert keys(list(source().read(json.dumps({"case": away})))) == ["a"]


@pytest.mark.parametrize("start", ["0", "2016-01-01 00:00:00", "1900"])
def test_a_start_that_is_no_time_is_not_measured_with_times(peer: Peer, source: Any, start: str) -> None:
    rows = [(f"{day}", f"2016-12-{day:02} 09:00:00") for day in range(10, 16)]
    peer.answer = since(rows, 2)
    adapter = source(start=start)
    pages = list(adapter.read(None))
    assert keys(pages) == [row[0] for row in rows]
    assert list(adapter.read(pages[-1].cursor)) == []


def test_versions_are_numbers_whatever_date_their_digits_would_give(peer: Peer, source: Any) -> None:
    peer.answer = since([("a", "29990101"), ("b", "29990102")])
    pages = list(source(start="0").read(None))
    assert (keys(pages), place(pages[-1])) == (["a", "b"], "29990102")


def growing(*given: tuple[str, str]) -> Callable[[Received], Reply]:
    """Answer with these rows and one more, which is later at every request."""
    ticks = itertools.count(1)

    def answer(request: Received) -> Reply:
        tick = next(ticks)
        rows = [*given, (f"t{tick}", f"2016-12-13 {tick // 3600:02}:{tick // 60 % 60:02}:{tick % 60:02}")]
        return since(rows)(request)

    return answer


BACKLOG = [(f"a{number}", f"2016-12-{number:02} 09:00:00") for number in range(1, 9)]


@pytest.mark.parametrize("given", [BACKLOG, []], ids=["after a backlog", "alone"])
def test_a_far_side_that_has_a_later_row_at_every_request_is_left_and_read_on_by_the_next_run(
    peer: Peer, source: Any, given: Listed
) -> None:
    peer.answer = growing(*given)
    adapter = source()
    pages = list(itertools.islice(adapter.read(None), 1000))
    asked_for = len(peer.received)
    assert asked_for < 200
    assert keys(pages) == [*(key for key, _ in given), *(f"t{number}" for number in range(1, asked_for + 1))]
    later = next(iter(adapter.read(pages[-1].cursor)))
    assert keys([later]) == [f"t{asked_for + 1}"]


def test_an_answer_that_is_not_full_is_the_last_where_its_size_is_known(peer: Peer, source: Any) -> None:
    peer.answer = growing(*BACKLOG)
    pages = list(source(next={**BY_TIME["next"], "size": 50}).read(None))  # type: ignore[dict-item]
    assert (len(keys(pages)), len(peer.received)) == (9, 1)


def test_tokens_that_bring_one_row_each_are_left_and_read_on_by_the_next_run(peer: Peer, source: Any) -> None:
    def answer(request: Received) -> Reply:
        token = int(asked(request, "since"))
        body = f'<r next="{token + 1}"><row no="t{token}" at=""/></r>'
        return Reply(
            200, f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body>{body}</e:Body></e:Envelope>'.encode(), content_type="text/xml"
        )

    peer.answer = answer
    adapter = source(next={"by": "field", "path": "@next"}, start="1")
    pages = list(itertools.islice(adapter.read(None), 1000))
    assert len(peer.received) < 200
    assert keys(pages) == [f"t{number}" for number in range(1, len(peer.received) + 1)]
    assert keys([next(iter(adapter.read(pages[-1].cursor)))]) == [f"t{len(pages) + 1}"]


PAGED = {"body": {"element": "list", "attributes": {"since": "$cursor", "page": "$page"}}, "pages": "@pages"}


def test_an_empty_page_is_the_last_however_many_are_announced(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: listed([("a", "2016-12-13 09:00:00")] if asked(request, "page") == "1" else [], 1_000_000_000)
    pages = list(source(**PAGED).read(None))
    assert (keys(pages), place(pages[-1]), len(peer.received)) == (["a"], "2016-12-13 09:00:00", 2)


def test_a_far_side_that_ignores_the_page_number_is_found_out(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: listed([("a", "2016-12-13 09:00:00")], 3)
    with pytest.raises(SourceFailed, match="HUB-S-506"):
        list(source(**PAGED).read(None))
    assert len(peer.received) == 2


@pytest.mark.parametrize("attributes", ['no="a" xsi:type="row" type="1"', 'type="1" xsi:type="row" no="a"'])
def test_of_two_attributes_of_one_name_the_plain_one_is_the_value(peer: Peer, source: Any, attributes: str) -> None:
    inside = f'<row xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" at="2016-12-13 09:00:00" {attributes}/>'
    body = f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body><r>{inside}</r></e:Body></e:Envelope>'
    peer.answer = lambda request: Reply(200, body.encode(), content_type="text/xml")
    (record,) = [record for page in source().read(None) for record in page.records]
    assert record.data["type"] == "1"
