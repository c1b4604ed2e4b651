"""The rest adapter as a source against a real server: paging, cursors, broken items."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.rest import RestAdapter
from hub.catalogue.reasons import reason
from hub.errors import SourceFailed
from hub.model import Operation, Page
from tests.integration.http_peer import Peer, Received, Reply, page, said


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def source(peer: Peer) -> Iterator[Any]:
    """Return a maker of adapters that read `case` from this peer, closed afterwards."""
    made: list[RestAdapter] = []

    def make(**feed: Any) -> RestAdapter:
        given = {"path": "/cases", "items": "/rows", "key": "id", **feed}
        options = {"base_url": peer.url, "feeds": {"case": given}}
        made.append(RestAdapter(RestAdapter.options.model_validate(options), system="city"))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for adapter in made:
        adapter.close()


def keys(pages: list[Page]) -> list[list[str]]:
    return [[record.key for record in page.records] for page in pages]


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"K{n}", "at": f"2016-12-13 09:00:{n:02d}", "name": f"n{n}"} for n in numbers]


def numbered(all_rows: list[dict[str, Any]], size: int) -> Callable[[Received], Reply]:
    def answer(request: Received) -> Reply:
        first = (int(request.query["page"]) - 1) * size
        return said({"rows": all_rows[first : first + size]})

    return answer


def since(all_rows: list[dict[str, Any]], size: int | None) -> Callable[[Received], Reply]:
    def answer(request: Received) -> Reply:
        found = sorted((row for row in all_rows if row["at"] >= request.query.get("since", "")), key=lambda row: row["at"])
        return said({"rows": found[:size]})

    return answer


def test_the_whole_list(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said({"rows": [{"id": 1, "v": "3", "data": {"a": "中"}}, {"id": "2", "v": 4, "data": {}}]})
    (page_,) = source(revision="v", data="data").read(None)
    first, second = page_.records
    assert (first.kind, first.key, first.revision, first.data) == ("case", "1", "3", {"a": "中"})
    assert (second.key, second.revision, second.operation) == ("2", "4", Operation.UPDATE)


def test_without_revision_the_data_decides(peer: Peer, source: Any) -> None:
    def revision(row: dict[str, Any]) -> str:
        peer.answer = lambda request: said({"rows": [row]})
        return next(source().read(None)).records[0].revision

    assert revision({"id": "1", "a": 1, "b": 2}) == revision({"b": 2, "id": "1", "a": 1})
    assert revision({"id": "1", "a": 1}) != revision({"id": "1", "a": 2})


def test_deleted_rows(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said({"rows": [{"id": "1", "flag": "D"}, {"id": "2", "flag": "U"}]})
    (page_,) = source(deleted={"path": "flag", "equals": "D"}).read(None)
    assert [record.operation for record in page_.records] == [Operation.DELETE, Operation.UPDATE]


def test_numbered_pages_and_where_they_resume(peer: Peer, source: Any) -> None:
    all_rows = rows(1, 2, 3, 4, 5)
    peer.answer = numbered(all_rows, 2)
    adapter = source(query={"page": "$page"}, next={"by": "page", "size": 2})
    pages = list(adapter.read(None))
    assert keys(pages) == [["K1", "K2"], ["K3", "K4"], ["K5"]]
    all_rows += rows(6, 7)
    assert keys(list(adapter.read(pages[-1].cursor))) == [["K5", "K6"], ["K7"]]


def test_a_token_in_the_answer(peer: Peer, source: Any) -> None:
    parts = {"": (rows(1, 2), "t1"), "t1": (rows(3), "t2"), "t2": (rows(4), None)}

    def answer(request: Received) -> Reply:
        found, following = parts[request.query.get("after", "")]
        return said({"rows": found, "next": following})

    peer.answer = answer
    adapter = source(query={"after": "$cursor"}, next={"by": "field", "path": "/next"})
    pages = list(adapter.read(None))
    assert keys(pages) == [["K1", "K2"], ["K3"], ["K4"]]
    assert json.loads(pages[-1].cursor or "") == {"case": "t2"}
    assert keys(list(adapter.read(pages[0].cursor))) == [["K3"], ["K4"]]
    assert keys(list(adapter.read(pages[-1].cursor))) == [["K4"]]


def test_a_link_header(peer: Peer, source: Any) -> None:
    def answer(request: Received) -> Reply:
        number = int(request.query.get("p", "1"))
        link = {"Link": f'</first>; rel="first", </cases?p={number + 1}>; rel="next"'} if number < 3 else {}
        return Reply(200, json.dumps({"rows": rows(number)}).encode(), link)

    peer.answer = answer
    adapter = source(next={"by": "link"})
    pages = list(adapter.read(None))
    assert keys(pages) == [["K1"], ["K2"], ["K3"]]
    assert keys(list(adapter.read(pages[1].cursor))) == [["K3"]]


def test_a_link_to_another_host_is_refused(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: Reply(200, b'{"rows":[]}', {"Link": '<http://evil.invalid/x>; rel="next"'})
    with pytest.raises(SourceFailed) as caught:
        list(source(next={"by": "link"}).read(None))
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-402", True)


BY_TIME = {
    "query": {"since": "$cursor"},
    "next": {"by": "time", "time": "at", "format": "%Y-%m-%d %H:%M:%S", "overlap": "2s", "size": 3},
}


def test_by_time_resumes_a_little_before(peer: Peer, source: Any) -> None:
    all_rows = rows(10, 11, 12, 13, 14)
    peer.answer = since(all_rows, 3)
    adapter = source(**BY_TIME)
    pages = list(adapter.read(None))
    assert keys(pages) == [["K10", "K11", "K12"], ["K13", "K14"]]
    assert json.loads(json.loads(pages[-1].cursor or "")["case"]) == ["2016-12-13T01:00:14+00:00", "K14"]
    all_rows += [{"id": "late", "at": "2016-12-13 09:00:13"}, *rows(15)]
    assert keys(list(adapter.read(pages[-1].cursor))) == [["K12", "K13", "late", "K14", "K15"]]


def test_equal_times_are_never_skipped(peer: Peer, source: Any) -> None:
    peer.answer = since([{"id": key, "at": "2016-12-13 09:00:00"} for key in "ab"] + rows(1, 2), 3)
    assert [key for page in keys(list(source(**BY_TIME).read(None))) for key in page] == ["a", "b", "K1", "K2"]


def test_more_equal_times_than_fit_one_answer_stop_the_reading(peer: Peer, source: Any) -> None:
    peer.answer = since([{"id": key, "at": "2016-12-13 09:00:00"} for key in "abcd"], 3)
    with pytest.raises(SourceFailed) as caught:
        list(source(**BY_TIME).read(None))
    assert caught.value.code == "HUB-S-405"


def test_a_cut_answer_must_be_oldest_first(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said({"rows": rows(3, 2, 1)})
    with pytest.raises(SourceFailed) as caught:
        list(source(**BY_TIME).read(None))
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-405", True)


def test_an_answer_that_is_never_cut_may_have_any_order(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said({"rows": rows(3, 1, 2)})
    feed = {**BY_TIME, "next": {**BY_TIME["next"], "size": None}}  # type: ignore[dict-item]
    assert keys(list(source(**feed).read(None))) == [["K1", "K2", "K3"]]


def paged(**next_: Any) -> dict[str, Any]:
    return {"query": {"since": "$cursor", "page": "$page"}, "items": "/rows", "next": {**BY_TIME["next"], **next_}}  # type: ignore[dict-item]


def test_equal_times_are_read_page_by_page(peer: Peer, source: Any) -> None:
    same = [{"id": key, "at": "2016-12-13 09:00:00"} for key in "abcdefg"]
    all_rows = [*same, *rows(1, 2, 3, 4)]

    def answer(request: Received) -> Reply:
        found = [row for row in all_rows if row["at"] >= request.query.get("since", "")]
        first = (int(request.query["page"]) - 1) * 3
        return said({"rows": found[first : first + 3]})

    peer.answer = answer
    pages = list(source(**paged()).read(None))
    assert [key for page in keys(pages) for key in page] == [row["id"] for row in all_rows]
    assert keys(list(source(**paged()).read(pages[0].cursor)))[-1][-1] == "K4"


def test_newest_first_moves_the_cursor_only_at_the_end(peer: Peer, source: Any) -> None:
    peer.answer = numbered(rows(5, 4, 3, 2, 1), 2)
    pages = list(source(**paged(size=2, oldest_first=False)).read(None))
    assert keys(pages) == [["K4", "K5"], ["K2", "K3"], ["K1"]]
    cursors = [json.loads(page.cursor or "")["case"] for page in pages]
    assert cursors[:2] == ["", ""]
    assert "K5" in cursors[2]


BY_PAGE = {"query": {"page": "$page"}, "next": {"by": "page", "size": 2}}


@pytest.mark.parametrize("feed", [BY_PAGE, paged(size=2), paged(size=2, oldest_first=False), paged(size=None, oldest_first=False)])
def test_a_far_side_that_ignores_the_page_number_is_found_out(peer: Peer, source: Any, feed: dict[str, Any]) -> None:
    peer.answer = lambda request: said({"rows": [{**row, "at": "2016-12-13 09:00:00"} for row in rows(1, 2)]})
    with pytest.raises(SourceFailed, match="HUB-S-407"):
        list(source(**feed).read(None))
    assert len(peer.received) <= 3


@pytest.mark.parametrize("feed", [BY_PAGE, paged(size=2), paged(size=None, oldest_first=False)])
def test_the_last_page_again_is_an_end_where_that_is_said(peer: Peer, source: Any, feed: dict[str, Any]) -> None:
    """Some paging libraries answer a page number beyond the end with the last page."""
    all_rows = [{**row, "at": "2016-12-13 09:00:00"} for row in rows(1, 2, 3, 4)]

    def answer(request: Received) -> Reply:
        first = (min(int(request.query["page"]), (len(all_rows) + 1) // 2) - 1) * 2
        return said({"rows": all_rows[first : first + 2]})

    peer.answer = answer
    adapter = source(**feed | {"next": {**feed["next"], "last_again": True}})
    pages = list(adapter.read(None))
    assert [key for page in keys(pages) for key in page] == ["K1", "K2", "K3", "K4"]
    all_rows += [{**row, "at": "2016-12-13 09:00:00"} for row in rows(5, 6, 7)]
    later = [key for page in keys(list(adapter.read(pages[-1].cursor))) for key in page]
    assert {"K5", "K6", "K7"} <= set(later)


def test_tokens_that_lead_in_a_circle_are_found_out(peer: Peer, source: Any) -> None:
    onward = {"": "A", "A": "B", "B": "A"}
    peer.answer = lambda request: said({"rows": rows(1), "next": onward[request.query.get("after", "")]})
    with pytest.raises(SourceFailed, match="HUB-S-407"):
        list(source(query={"after": "$cursor"}, next={"by": "field", "path": "/next"}).read(None))
    assert len(peer.received) == 3


def test_links_that_lead_in_a_circle_are_found_out(peer: Peer, source: Any) -> None:
    def answer(request: Received) -> Reply:
        link = f'</cases?p={2 if request.query.get("p") == "1" else 1}>; rel="next"'
        return Reply(200, json.dumps({"rows": rows(1)}).encode(), {"Link": link})

    peer.answer = answer
    with pytest.raises(SourceFailed, match="HUB-S-407"):
        list(source(next={"by": "link"}).read(None))
    assert len(peer.received) == 3


@pytest.mark.parametrize("found", [[], rows(1)])
def test_new_tokens_for_ever_with_nothing_new_are_found_out(peer: Peer, source: Any, found: list[Any]) -> None:
    peer.answer = lambda request: said({"rows": found, "next": str(len(peer.received))})
    with pytest.raises(SourceFailed, match="HUB-S-407"):
        list(source(query={"after": "$cursor"}, next={"by": "field", "path": "/next"}).read(None))
    assert len(peer.received) < 110


def test_a_few_pages_with_nothing_new_are_no_fault(peer: Peer, source: Any) -> None:
    parts = {"": ([], "a"), "a": ([], "b"), "b": (rows(1), "c"), "c": (rows(1), "d"), "d": (rows(2), None)}

    def answer(request: Received) -> Reply:
        found, following = parts[request.query.get("after", "")]
        return said({"rows": found, "next": following})

    peer.answer = answer
    adapter = source(query={"after": "$cursor"}, next={"by": "field", "path": "/next"})
    assert keys(list(adapter.read(None))) == [["K1"], ["K1"], ["K2"]]


def test_a_time_no_calendar_holds_spoils_its_own_item_alone(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said({"rows": [{"id": "none", "at": "0001-01-01 00:00:00"}, *rows(1)]})
    (page_,) = source(**BY_TIME).read(None)
    assert keys([page_]) == [["K1"]]
    assert [(fault.key, fault.code) for fault in page_.faults] == [("none", "HUB-S-403")]


MISTYPED = {"id": "wrong", "at": "2962-01-01 00:00:00"}


@pytest.mark.parametrize("following", [{}, {"oldest_first": False}])
def test_a_year_typed_wrong_is_read_but_does_not_carry_the_cursor_away(peer: Peer, source: Any, following: dict[str, Any]) -> None:
    all_rows = [*rows(10), MISTYPED]
    peer.answer = since(all_rows, None)
    adapter = source(**BY_TIME | {"next": {**BY_TIME["next"], "size": 9, **following}})  # type: ignore[operator,dict-item]
    (first,) = adapter.read(None)
    assert keys([first]) == [["K10", "wrong"]]
    all_rows += rows(11)
    assert keys(list(adapter.read(first.cursor))) == [["K10", "K11", "wrong"]]


def test_years_typed_wrong_may_fill_whole_answers(peer: Peer, source: Any) -> None:
    all_rows = rows(1) + [{"id": f"wrong{n}", "at": f"2962-01-01 00:00:{n:02d}"} for n in range(1, 8)]
    peer.answer = since(all_rows, 3)
    adapter = source(**BY_TIME)
    pages = list(adapter.read(None))
    assert [key for page in keys(pages) for key in page] == [row["id"] for row in all_rows]
    all_rows += rows(2)
    found = [key for page in keys(list(adapter.read(pages[-1].cursor))) for key in page]
    assert sorted(found) == sorted(row["id"] for row in all_rows)


def test_a_cursor_that_was_carried_away_is_left(peer: Peer, source: Any) -> None:
    peer.answer = since(rows(1, 2), None)
    adapter = source(**BY_TIME)
    away = json.dumps({"case": json.dumps(["2961-12-31T16:00:00+00:00", "wrong"])})
    assert keys(list(adapter.read(away))) == [["K1", "K2"]]


@pytest.mark.parametrize(
    "feed",
    [{"next": {"by": "page", "size": 2}}, {"next": {"by": "field", "path": "a"}}, paged(size=None), {"query": {"k": "$key"}}],
)
def test_paging_that_cannot_work_is_refused(source: Any, feed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\$"):
        source(**feed)


def test_several_feeds_share_one_cursor(peer: Peer) -> None:
    peer.answer = lambda request: said({"rows": rows(1 if request.path == "/a" else 2)})
    feed = {"items": "/rows", "key": "id"}
    options = {"base_url": peer.url, "feeds": {"case": {**feed, "path": "/a"}, "step": {**feed, "path": "/b"}}}
    adapter = RestAdapter(RestAdapter.options.model_validate(options), system="x")  # type: ignore[arg-type]
    pages = list(adapter.read(None))
    adapter.close()
    assert [page.records[0].kind for page in pages] == ["case", "step"]
    assert set(json.loads(pages[-1].cursor or "")) == {"case", "step"}
    assert adapter.kinds() == {"case", "step"}


def test_broken_items_are_accounted_for(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said(
        {"rows": [{"id": "1", "at": "2016-12-13 09:00:00"}, {"name": "x"}, "text", {"id": "2", "at": "?"}]}
    )
    (page_,) = source(**BY_TIME | {"next": {**BY_TIME["next"], "size": 9}}).read(None)  # type: ignore[dict-item,operator]
    assert [record.key for record in page_.records] == ["1"]
    assert [(fault.code, bool(fault.key)) for fault in page_.faults] == [("HUB-S-403", True)] * 3
    assert not any(fault.key == "x" for fault in page_.faults)


@pytest.mark.parametrize(
    ("answer", "code", "misconfigured"),
    [
        (page(503), "HUB-S-401", False),
        (said({}, 401), "HUB-S-402", True),
        (said({"code": 500, "msg": "no"}), "HUB-S-409", False),
        (said({"rows": {"a": 1}, "code": 0}), "HUB-S-406", True),
        (said([1]), "HUB-S-409", False),
    ],
)
def test_trouble(peer: Peer, source: Any, answer: Reply, code: str, misconfigured: bool) -> None:
    peer.answer = lambda request: answer
    with pytest.raises(SourceFailed) as caught:
        list(source(answers=[{"path": "code", "equals": 0, "means": "taken"}]).read(None))
    assert (caught.value.code, caught.value.misconfigured) == (code, misconfigured)


def test_an_answer_without_a_rule_is_told_as_ours_to_mend(peer: Peer) -> None:
    rules = [{"path": "/code", "equals": 0, "means": "taken"}]
    options = {"base_url": peer.url, "answers": rules, "feeds": {"case": {"path": "/cases", "items": "/rows", "key": "id"}}}
    adapter = RestAdapter(RestAdapter.options.model_validate(options), system="city")  # type: ignore[arg-type]
    peer.answer = lambda request: said({"rows": rows(1)})
    with pytest.raises(SourceFailed) as caught:
        list(adapter.read(None))
    adapter.close()
    english = "HTTP 200: the far side answered, but no rule of feeds.case knows the answer; give feeds.case answers of its own"
    assert (caught.value.code, caught.value.message) == ("HUB-S-409", english)
    assert reason(english, "zh") == ("HTTP 200：对方有应答，但 feeds.case 没有规则认得这个应答；请在 feeds.case 写它自己的 answers")


def test_an_empty_list_may_be_left_out(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: said({"total": 0})
    assert list(source().read(None)) == []


def test_a_page_is_asked_for_again(peer: Peer, source: Any) -> None:
    peer.answer = lambda request: page(503) if len(peer.received) < 2 else said({"rows": rows(1)})
    assert keys(list(source().read(None))) == [["K1"]]
    assert len(peer.received) == 3


@pytest.mark.parametrize(
    ("feed", "cursor"),
    [
        ({}, "no json"),
        ({}, "[1]"),
        ({"query": {"p": "$page"}, "next": {"by": "page", "size": 2}}, '{"case":"x"}'),
        (BY_TIME, '{"case":"x"}'),
    ],
)
def test_a_cursor_of_somebody_else(source: Any, feed: dict[str, Any], cursor: str) -> None:
    with pytest.raises(SourceFailed) as caught:
        list(source(**feed).read(cursor))
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-404", True)
