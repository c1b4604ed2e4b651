"""`hub preview` shows what would be sent, hides personal data, and sends nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.model import Unreadable
from tests import configs
from tests.fakes import far, record

LONG = "名字过长的某某某"


def previewed(hub: Any, *arguments: str, stdin: str | None = None) -> tuple[int, list[dict[str, Any]]]:
    done = hub("preview", *arguments, "--json", stdin=stdin)
    return done.exit_code, json.loads(done.stdout)


def test_records_of_the_source_go_through_the_mapping_and_nowhere_else(hub: Any) -> None:
    code, told = previewed(hub, "city-accept")
    assert code == 1
    assert [(one["key"], one["lane"], one["matches"]) for one in told] == [("A1", "A1", True), ("A2", "A2", True)]
    assert told[0]["output"] == {"project_no": "A1", "applyer_name": "甲**"}
    assert told[1]["output"] is None
    assert [(issue["path"], issue["rule"]) for issue in told[1]["issues"]] == [("applyer_name", "length")]
    assert far("city").arrived == []


def test_personal_data_is_masked_on_both_sides_unless_asked(hub: Any) -> None:
    for arguments in (["--json"], []):
        done = hub("preview", "city-accept", *arguments)
        assert "甲某某" not in done.stdout
        assert LONG not in done.stdout
    assert "甲某某" in hub("preview", "city-accept", "--unmask").stdout


def test_what_is_personal_over_there_is_masked_here_too(hub: Any, here: Path) -> None:
    schema = here / "mappings/schemas/local/case.yaml"
    schema.write_text(schema.read_text("utf-8").replace(", x-personal: name", ""), "utf-8")
    _, told = previewed(hub, "city-accept", "--key", "A1")
    assert told[0]["input"]["SQRMC"] == "甲**"


def test_the_table_shows_titles_and_issues(hub: Any) -> None:
    done = hub("preview", "city-accept")
    assert "project_no 办件编号 = 'A1'" in done.stdout
    assert "HUB-M-103" in done.stdout
    assert "没有发送任何内容" in done.stderr


def test_keys_are_text_whatever_they_look_like(hub: Any) -> None:
    given = '{"BJBH": "[/red]:key:[b]"}'
    assert "[/red]:key:[b]" in hub("preview", "city-accept", "--file", "-", stdin=given).stdout
    assert previewed(hub, "city-accept", "--file", "-", stdin=given)[1][0]["key"] == "[/red]:key:[b]"


def test_limit_and_key(hub: Any) -> None:
    assert len(previewed(hub, "city-accept", "--limit", "1")[1]) == 1
    assert [one["key"] for one in previewed(hub, "city-accept", "--key", "A2")[1]] == ["A2"]
    assert previewed(hub, "city-accept", "--key", "none") == (0, [])


def test_a_source_is_never_asked_for_a_second_page(hub: Any, here: Path) -> None:
    """A second page means to the source that the first is safe: it would mark it as taken."""
    configs.put(here, "config/systems/local.yaml", configs.LOCAL.replace("records: records.json", "records: records.json, page: 2"))
    done = hub("preview", "city-accept", "--json")
    assert [one["key"] for one in json.loads(done.stdout)] == ["A1"]
    assert "第一页" in done.stderr
    assert far("local").pages == 1


def test_a_deletion_is_owed_to_nobody(hub: Any) -> None:
    gone = '{"key": "A1", "operation": "D", "data": {"BJBH": "A1"}}'
    code, told = previewed(hub, "city-accept", "--file", "-", stdin=gone)
    assert (code, told[0]["matches"], told[0]["output"]) == (0, False, None)


def test_records_the_route_does_not_want_are_passed_over(hub: Any) -> None:
    far("local").records.append(record("S9", kind="step", BJBH="A9", ZT="2"))
    assert [one["key"] for one in previewed(hub, "city-process")[1]] == ["A1-1"]
    assert "1 条不符合" in hub("preview", "city-process").stderr
    assert [(one["key"], one["matches"]) for one in previewed(hub, "city-process", "--key", "S9")[1]] == [("S9", False)]


def test_rows_that_are_no_records_are_told(hub: Any) -> None:
    far("local").records.append(Unreadable("case", "A7", "HUB-S-201", "not GBK"))
    assert "A7 无法读取：HUB-S-201 not GBK" in hub("preview", "city-accept").stderr


def test_a_record_the_route_does_not_want(hub: Any, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_text('[{"BJBH": "B1", "ZT": "2"}]', "utf-8")
    code, told = previewed(hub, "city-process", "--file", str(file))
    assert (code, told[0]["matches"], told[0]["output"], told[0]["key"]) == (0, False, None, "B1")


@pytest.mark.parametrize(
    "text",
    [
        '{"BJBH": "B1", "SQRMC": "乙某"}',
        '[{"BJBH": "B1", "SQRMC": "乙某"}]',
        '{"BJBH": "B1", "SQRMC": "乙某"}\n\n',
        '{"kind": "case", "key": "B1", "data": {"BJBH": "B1", "SQRMC": "乙某"}}',
        '{"BJBH": "B1", "SQRMC": "乙某"}\n{"kind": "step", "key": "S1", "data": {}}\n',
    ],
)
def test_records_of_a_file_or_of_stdin(hub: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "records.json").write_text(text, "utf-8")
    for code, told in (
        previewed(hub, "city-accept", "--file", str(tmp_path / "records.json")),
        previewed(hub, "city-accept", "--file", "-", stdin=text),
    ):
        assert (code, [one["output"] for one in told]) == (0, [{"project_no": "B1", "applyer_name": "乙**"}])


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe{", b'{"a": 1}\n{"b": \n', None])
def test_a_file_that_holds_no_records(hub: Any, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "records.json").write_bytes(content)
    done = hub("preview", "city-accept", "--file", str(tmp_path / "records.json"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "HUB-X-105" in done.stderr


def test_a_record_that_breaks_its_source_schema_is_not_mapped(hub: Any) -> None:
    code, told = previewed(hub, "city-accept", "--file", "-", stdin='{"BJBH": 7}')
    assert (code, told[0]["output"]) == (1, None)
    assert told[0]["issues"][0]["path"] == "BJBH"


def test_a_source_that_is_down_is_exit_4(hub: Any) -> None:
    from hub.errors import SourceFailed

    far("local").down = SourceFailed("HUB-S-302", "no route to host")  # type: ignore[assignment]
    assert hub("preview", "city-accept").exit_code == 4


def test_an_unknown_route(hub: Any) -> None:
    done = hub("preview", "city-acept")
    assert done.exit_code == 2
    assert "是不是 city-accept？" in done.stderr
