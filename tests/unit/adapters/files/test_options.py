"""What an integrator may write, and what is said when it cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.files.options import FilesOptions

FEED: dict[str, Any] = {"pattern": "*", "format": "csv", "columns": {"编号": "no"}, "key": ["no"], "ready": {"age": "60s"}}
ENDPOINT: dict[str, Any] = {"format": "csv", "path": "{id}.csv", "columns": {"no": "编号"}}
SFTP: dict[str, Any] = {"host": "h", "user": "u", "password": "p", "host_key": "ssh-ed25519 AAAA"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "directory or sftp"),
        ({"directory": "/x", "sftp": SFTP}, "directory or sftp"),
        ({"sftp": {**SFTP, "host_key": None}}, "host_key or in a known_hosts"),
        ({"sftp": {**SFTP, "host_key": "AAAA"}}, "as in a .pub file"),
        ({"sftp": {**SFTP, "password": None}}, "a password or a key"),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "columns": None}}}, "csv needs columns"),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "path": "out.csv"}}}, "{id} must be in the name"),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "path": "../{id}.csv"}}}, "never leaves its base directory"),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "per": "batch"}}}, "per: batch needs proof"),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "per": "batch", "proof": "file"}}}, "needs a manifest"),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "columns": {"a": "甲", "b": "甲"}}}}, "the same title"),
        (
            {"directory": "/x", "endpoints": {"a": {**ENDPOINT, "format": "xml", "columns": {"a": "甲 乙"}}}},
            "is no name of an XML element",
        ),
        ({"directory": "/x", "endpoints": {"a": {**ENDPOINT, "colums": {}}}}, "Extra inputs"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "columns": None}}}, "csv needs columns"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "done": "done"}}}, "done and bad go together"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "key": ["other"]}}}, "other is not"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "ready": {}}}}, "manifest, marker or age"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "ready": {"age": "60s", "marker": ".ok"}}}}, "manifest, marker or age"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "columns": {"a": "x", "b": "x", "c": "no"}}}}, "the same field"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "encoding": "big5"}}}, "utf-8"),
        ({"directory": "/x", "feeds": {"a": {**FEED, "done": "in", "bad": "in", "directory": "in"}}}, "another directory"),
    ],
)
def test_what_cannot_work_is_said(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FilesOptions.model_validate(options)
    assert says in str(caught.value)


@pytest.mark.parametrize(("written", "meant"), [("GB2312", "gb2312"), ("UTF-8", "utf-8"), ("utf8", "utf-8"), ("GBK", "gbk")])
def test_encodings_by_any_of_their_names(written: str, meant: str) -> None:
    options = FilesOptions.model_validate({"directory": "/x", "feeds": {"a": {**FEED, "encoding": written}}})
    assert options.feeds["a"].encoding == meant


def test_a_relative_directory_is_beside_the_configuration() -> None:
    options = FilesOptions.model_validate({"directory": "share"}, context={"base": "/srv/hub/config"})
    assert options.directory == Path("/srv/hub/config/share")


def test_secrets_do_not_show() -> None:
    shown = repr(FilesOptions.model_validate({"sftp": {**SFTP, "password": "geheim", "passphrase": "geheim"}}))
    assert "geheim" not in shown
