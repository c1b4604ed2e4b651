"""The options: what is refused, and that the page about them is true."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from adapters.database import DatabaseAdapter
from adapters.database.options import DatabaseOptions, Feed

DOCS = Path(__file__).parents[4] / "docs" / "adapters.md"
FEED: dict[str, Any] = {"table": "BJ", "key": "BJBH", "time": "GXSJ"}


def options(**parts: Any) -> DatabaseOptions:
    return DatabaseOptions.model_validate({"url": "sqlite:///x.db", **parts})


def test_password_is_never_shown() -> None:
    found = options(url="mysql+pymysql://hub:secret-word@10.0.0.1/qzk")
    assert "secret-word" not in f"{found}{found!r}{DatabaseAdapter(found, system='city')!r}"


@pytest.mark.parametrize("url", ["hub:secret-word@10.0.0.1", "mysql+pymysql://hub:an@unquoted:secret-word@10.0.0.1/qzk"])
def test_a_broken_url_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValidationError, match="not a database URL") as caught:
        options(url=url)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        ({**FEED, "query": "SELECT 1"}, "either `table` or `query`"),
        ({"key": "a", "time": "b"}, "either `table` or `query`"),
        ({"table": "a", "key": "a"}, "`time` is expected"),
        ({**FEED, "key": []}, "at least 1"),
        ({**FEED, "overlap": "five"}, "a duration such as"),
        ({**FEED, "overlap": -1}, "a duration such as"),
        ({**FEED, "page": 0}, "greater than or equal to 1"),
        ({**FEED, "text_bytes": "gbk2"}, "no known encoding"),
        ({**FEED, "tabel": "x"}, "Extra inputs"),
        ({"query": "DELETE FROM a", "key": "a", "time": "b"}, "one SELECT"),
        ({"query": "SELECT 1; DELETE FROM a", "key": "a", "time": "b"}, "one SELECT"),
        ({"query": "SELECT 1", "key": "a", "claim": {"status": "s", "failed": "2"}}, "need a `table`"),
    ],
)
def test_feed_that_cannot_be_meant(feed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        options(feeds={"case": feed})


def test_one_name_or_several() -> None:
    assert Feed.model_validate(FEED).key == ("BJBH",)
    assert Feed.model_validate({**FEED, "key": ["a", "b"]}).key == ("a", "b")


def test_overlap_is_a_duration_or_a_number() -> None:
    assert Feed.model_validate({**FEED, "overlap": "2h"}).overlap == timedelta(hours=2)
    assert Feed.model_validate({**FEED, "overlap": 100}).overlap == 100


@pytest.mark.parametrize("value", ["$bdy.x", "$secret.x", "x $now", "$stamp"])
def test_what_is_always_written_knows_the_placeholders_of_a_message_alone(value: str) -> None:
    with pytest.raises(ValidationError, match="not known here"):
        options(endpoints={"e": {"table": "a", "key": "k", "initial": {"c": value}}})


def test_guarantees_follow_the_endpoints() -> None:
    upserted = {"accept": {"table": "a", "key": "k"}}
    assert DatabaseAdapter(options(endpoints=upserted, batch=50, pool=2), system="s").guarantees().idempotent
    mixed = DatabaseAdapter(options(endpoints={**upserted, "log": {"table": "b", "key": "k", "mode": "insert"}}), system="s")
    assert not mixed.guarantees().idempotent
    assert mixed.endpoints() == {"accept", "log"}
    assert mixed.kinds() == frozenset()


def test_every_example_on_the_page_is_valid() -> None:
    section = DOCS.read_text(encoding="utf-8").split("## 数据库 database")[1].split("\n## ")[0]
    found: dict[str, Any] = {"feeds": {}, "endpoints": {}, "feedback": []}
    for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL):
        part = yaml.safe_load(block.replace("${PASSWORD}", "x"))
        if "options" in part:
            found |= part["options"]
        elif {"feeds", "endpoints", "feedback"} & set(part):
            found["feeds"] |= part.get("feeds", {})
            found["endpoints"] |= part.get("endpoints", {})
            found["feedback"] += part.get("feedback", [])
        else:
            found["feeds"] |= part
    checked = DatabaseOptions.model_validate(found)
    assert set(checked.feeds) == {"case", "step", "info"}
    assert set(checked.endpoints) == {"accept", "info"}
    assert len(checked.feedback) == 5


def test_a_status_of_the_table_itself_says_how_long_it_is_waited_for() -> None:
    """Its time does not move when it is judged: with the short overlap of other tables a late judgement would never be seen."""
    rule = {"endpoint": "e", "row": "k", "key": "k", "time": "t", "status": {"column": "s", "rejected": ["2"]}}
    endpoints = {"e": {"table": "a", "key": "k"}}
    with pytest.raises(ValidationError, match="`overlap` is expected"):
        options(endpoints=endpoints, feedback=[rule])
    assert options(endpoints=endpoints, feedback=[{**rule, "overlap": "30d"}]).feedback[0].overlap == timedelta(days=30)
    assert options(endpoints=endpoints, feedback=[{**rule, "table": "b"}]).feedback[0].feed(("b",)).overlap == timedelta(minutes=5)
