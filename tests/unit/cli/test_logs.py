"""A log line is one JSON object with stable names, or one short line for people."""

from __future__ import annotations

import io
import json
import logging
import time
from datetime import UTC, datetime

import pytest

from hub.cli import logs


def logged(monkeypatch: pytest.MonkeyPatch, form: str, level: str = "info") -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure(level, form)
    return logging.getLogger("hub.test"), stream


def test_json_lines_have_time_level_event_message_and_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stream = logged(monkeypatch, "json")
    log.warning("system paused", extra={"event": "system.paused", "system": "city", "attempt": 3})
    line = json.loads(stream.getvalue())
    assert datetime.fromisoformat(line.pop("ts")).tzinfo is not None
    assert line == {"level": "warning", "event": "system.paused", "msg": "system paused", "system": "city", "attempt": 3}


def test_a_traceback_stays_inside_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stream = logged(monkeypatch, "json")
    try:
        raise KeyError("x")
    except KeyError:
        log.exception("broke")
    assert stream.getvalue().count("\n") == 1
    assert "KeyError" in json.loads(stream.getvalue())["traceback"]


def test_text_lines_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stream = logged(monkeypatch, "text")
    log.info("run %s ended", "r1", extra={"read": 3})
    at, said = stream.getvalue().split(" ", 1)
    assert said == "info    run r1 ended read=3\n"
    assert datetime.strptime(at, "%H:%M:%S%z").tzinfo is not None


def test_a_time_within_a_line_is_of_the_same_zone_as_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert logs.clock(datetime(2026, 11, 27, 17, 0, tzinfo=UTC)) == "01:00:00+0800"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_level_holds_and_chatty_libraries_stay_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stream = logged(monkeypatch, "text")
    log.debug("too much")
    logging.getLogger("httpx").info("GET http://…")
    assert stream.getvalue() == ""


def test_another_programs_colours_and_what_is_not_there_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stream = logged(monkeypatch, "json")
    log.info("started", extra={"color_message": "\x1b[1mstarted\x1b[0m"})
    assert "color_message" not in json.loads(stream.getvalue())
    log, stream = logged(monkeypatch, "text")
    log.info("ended", extra={"code": None, "read": 0})
    assert stream.getvalue().endswith("ended read=0\n")
