"""Decides what can be said about how requests to a REST far side are authenticated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from adapters.kit.answers import AnswerCondition
from adapters.kit.fields import Seconds
from adapters.kit.sign import Signature
from hub.ports import Options


class Basic(Options):
    """User and password in every request (RFC 7617)."""

    type: Literal["basic"]
    user: str
    password: SecretStr


class Bearer(Options):
    """A fixed token in every request (RFC 6750)."""

    type: Literal["bearer"]
    token: SecretStr


class OAuth2(Options):
    """A token fetched with client credentials (RFC 6749 §4.4), kept until shortly before it ends, renewed once when refused.

    request: how parameters travel. token, expires: paths in the answer. lifetime: when the answer tells none. header: where the
    token goes; false when only templates use `$token`. renew_on: answers that mean the token is no longer good.
    """

    type: Literal["oauth2"]
    token_url: str
    client_id: str
    client_secret: SecretStr
    scope: str | None = None
    parameters: dict[str, str] = Field(default={}, repr=False)
    client_names: tuple[str, str] = ("client_id", "client_secret")
    request: Literal["form", "json", "query"] = "form"
    client_auth: Literal["body", "basic"] = "body"
    token: str = "access_token"
    expires: str = "expires_in"
    lifetime: Seconds = 3600.0
    header: str | Literal[False] = "Authorization"
    prefix: str = "Bearer"
    renew_on: list[AnswerCondition] = [AnswerCondition(status="401")]

    @field_validator("token_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("token_url is a whole http:// or https:// address")
        return value


class Signed(Signature):
    """A signature over each request; see adapters.kit.sign."""

    type: Literal["signature"]


Auth = Annotated[Basic | Bearer | OAuth2 | Signed, Field(discriminator="type")]


def _as_list(value: Any) -> Any:
    if value is None or value == "none" or value == {"type": "none"}:
        return []
    return [value] if isinstance(value, Mapping) else value


#: One way of authentication, a list of them, or none.
Auths = Annotated[list[Auth], BeforeValidator(_as_list, json_schema_input_type=list[Auth] | Auth)]
