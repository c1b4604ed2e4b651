"""Secrets in plain text are found wherever an option is a secret, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from hub.settings.secrets import literal


class Login(BaseModel):
    user: str = ""
    word: SecretStr | None = Field(None, alias="pass")


class Whole(BaseModel):
    url: SecretStr | None = None
    logins: list[Login] = []
    named: dict[str, Login] = {}


@pytest.mark.parametrize(
    ("written", "paths"),
    [
        ({"logins": [{"user": "a"}, {"pass": "x"}]}, [("logins", 1, "pass")]),
        ({"logins": [{"pass": "${X}"}]}, []),
        ({"logins": [{"pass": ""}]}, []),
        ({"named": {"a": {"pass": "x"}}}, [("named", "a", "pass")]),
        ({"url": "sqlite:///var/a.db"}, []),
        ({"url": "oracle://user:word@host/db"}, [("url",)]),
        ({"url": "https://host/?token=x"}, [("url",)]),
        ({"url": "plain"}, [("url",)]),
    ],
)
def test_literal(written: dict[str, Any], paths: list[tuple[str | int, ...]]) -> None:
    assert list(literal(Whole.model_validate(written), written)) == paths


def test_a_single_one_may_stand_without_its_list() -> None:
    whole = Whole.model_validate({"logins": [{"pass": "x"}]})
    assert list(literal(whole, {"logins": {"pass": "x"}})) == [("logins", "pass")]
