"""Decides what can be said about a REST far side in its system file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from adapters.kit.answers import AnswerCondition, AnswerRule, Expect
from adapters.kit.charset import texts
from adapters.kit.fields import Plain, Seconds
from adapters.kit.http import HttpOptions
from adapters.kit.seal import Seal
from adapters.kit.sign import Signature
from adapters.kit.templates import MESSAGE, Compiler
from adapters.rest.paths import names_in, tokens
from hub.ports import Options

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
Charset = Literal["utf-8", "gbk", "gb2312", "gb18030"]
_SECRET = re.compile(r"\$secret\.?([\w\-@]*)")
#: Names every template knows, whatever it is for.
COMMON = frozenset({"timestamp", "nonce", "token", "secret"})


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


class Shape(Options):
    """What one request looks like. `template` is a tree for json and form, a text for xml and text; see docs/adapters.md.

    path: below base_url, may hold `{key}` and other names in braces, quoted for an address.
    """

    known: ClassVar[frozenset[str]] = frozenset()

    method: Method = "POST"
    path: str
    query: dict[str, Any] = Field(default={}, repr=False)
    headers: dict[str, Plain] = Field(default={}, repr=False)
    body: Literal["json", "form", "xml", "text", "none"] | None = None
    template: Any = Field(default=None, repr=False)
    charset: Charset | None = None

    @field_validator("path")
    @classmethod
    def _path_readable(cls, value: str) -> str:
        if "?" in value or "#" in value or "://" in value:
            raise ValueError("a path stands below base_url; parameters belong into query")
        Compiler(cls.known | COMMON).compile(tokens(value))
        return value

    @field_validator("query", "headers", "template")
    @classmethod
    def _templates_readable(cls, value: Any) -> Any:
        Compiler(cls.known | COMMON, seal=lambda content: "").compile(value)
        return value

    @model_validator(mode="after")
    def _body_fits(self) -> Self:
        if self.form_of_body == "form" and self.template is not None and not isinstance(self.template, Mapping):
            raise ValueError("template: of a form is an object of its fields")
        if self.form_of_body in ("xml", "text") and not isinstance(self.template, str):
            raise ValueError(f"body: {self.form_of_body} needs template: a text")
        return self

    @property
    def form_of_body(self) -> str:
        """The body's form; without one said, JSON for methods that carry a body."""
        return self.body or ("json" if self.method in ("POST", "PUT", "PATCH") else "none")

    @property
    def fixed_path(self) -> bool:
        """Whether every record meets the same address."""
        return not names_in(self.path)


class FindRule(AnswerCondition):
    """One line of `find.answers`: what shows that the far side has the message, or certainly has not."""

    means: Literal["taken", "missing"]
    reference: str | None = None
    said: str | None = None


class Find(Shape):
    """How to ask whether a message arrived. Needs a rule for both answers: a guess here would lose or double records."""

    known = frozenset(MESSAGE)
    method: Method = "GET"
    expect: Expect = "data"
    answers: list[FindRule]

    @model_validator(mode="after")
    def _both(self) -> Self:
        if {rule.means for rule in self.answers} != {"taken", "missing"}:
            raise ValueError("find needs at least one rule that means taken and one that means missing")
        return self


class Batch(Options):
    """Several messages in one request, never two of one lane.

    item: what each becomes, default $body; the endpoint's template places them as $items (default: the bare list). results: path of
    the list of results in the answer; match and key: the path in a result and the template that must be equal; without match they
    go by position. answers: what one result means.
    """

    size: int = Field(ge=1, le=10_000)
    item: Any = Field(default="$body", repr=False)
    results: str | None = None
    match: str | None = None
    key: str = "$key"
    answers: list[AnswerRule] = []

    @field_validator("item", "key")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        Compiler(MESSAGE, seal=lambda content: "").compile(value)
        return value

    @model_validator(mode="after")
    def _results_fit(self) -> Self:
        if (self.results is None) != (not self.answers):
            raise ValueError("results: and answers: of a batch come together")
        return self


class Endpoint(Shape):
    """One place a route can deliver to."""

    known = frozenset(MESSAGE) | {"items"}
    batch: Batch | None = None
    answers: list[AnswerRule] = []
    expect: Expect = "data"
    find: Find | None = None
    idempotent: bool = False
    idempotency_key: str | Literal[False] | None = None


class Check(Shape):
    """A harmless request that shows whether we may work there."""

    method: Method = "GET"
    expect: Expect = "data"
    answers: list[AnswerRule] = []


class NextField(Options):
    """The answer names where to go on; `$cursor` hands it back."""

    by: Literal["field"]
    path: str


class NextPage(Options):
    """Numbered pages (`$page`) of a list that only grows at its end."""

    by: Literal["page"]
    size: int = Field(ge=1, description="rows of a full page")
    first: int = 1


class NextLink(Options):
    """The answer's Link header names the next page (RFC 8288)."""

    by: Literal["link"]


class NextTime(Options):
    """Rows changed since `$cursor`, inclusive; the cursor is (time, key) with an overlap.

    size: rows of a full answer when the far side cuts; none when it always gives all. oldest_first: how a cut answer is sorted.
    With `$page` in the request, more rows of one time than fit one answer are read page by page (from `first`); with
    `oldest_first: false` all pages are, and the cursor only moves after the last. format: iso, ms, s or strftime; a time without
    zone is China's.
    """

    by: Literal["time"]
    time: str
    format: str = "iso"
    overlap: Seconds = 600.0
    size: int | None = Field(default=None, ge=1)
    oldest_first: bool = True
    first: int = 1


class NextNone(Options):
    """The whole list each time."""

    by: Literal["none"] = "none"


class Feed(Shape):
    """One kind of record that can be read. Paths are within one item, except items (within the answer)."""

    known = frozenset({"cursor", "page"})
    method: Method = "GET"
    items: str = ""
    key: str
    revision: str | None = None
    data: str | None = None
    deleted: AnswerCondition | None = None
    next: Annotated[NextField | NextPage | NextLink | NextTime | NextNone, Field(discriminator="by")] = NextNone()
    start: Plain | None = None
    answers: list[AnswerRule] = []


class RestOptions(HttpOptions):
    """Options of the rest adapter. secrets: what templates may name as `$secret.NAME`; never shown, never read as a template."""

    base_url: str
    auth: Annotated[list[Auth], BeforeValidator(_as_list, json_schema_input_type=list[Auth] | Auth)] = []
    secrets: dict[str, SecretStr] = {}
    seal: Seal | None = None
    headers: dict[str, Plain] = Field(default={}, repr=False)
    charset: Charset = "utf-8"
    idempotency_key: str | Literal[False] = "Idempotency-Key"
    answers: list[AnswerRule] = []
    endpoints: dict[str, Endpoint] = {}
    feeds: dict[str, Feed] = {}
    check: Check | None = None

    @field_validator("base_url")
    @classmethod
    def _base_fits(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.port == 0 or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url is an http:// or https:// address")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url holds no user, password or parameters; use auth and query")
        return value.rstrip("/")

    @field_validator("headers")
    @classmethod
    def _headers_readable(cls, value: dict[str, str]) -> dict[str, str]:
        Compiler(frozenset(MESSAGE) | COMMON).compile(value)
        return value

    @model_validator(mode="after")
    def _secrets_given(self) -> Self:
        shapes: list[Shape] = [*self.endpoints.values(), *self.feeds.values(), *([self.check] if self.check else [])]
        shapes += [endpoint.find for endpoint in self.endpoints.values() if endpoint.find]
        templates = [self.headers, *([shape.headers, shape.query, shape.template] for shape in shapes)]
        for _, text in texts(templates):
            missing = [name for name in _SECRET.findall(text) if name not in self.secrets]
            if missing:
                raise ValueError(f"$secret.{missing[0]} is not among secrets: {', '.join(sorted(self.secrets)) or 'none'}")
        return self
