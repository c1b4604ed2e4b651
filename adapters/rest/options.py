"""Decides what can be said about a REST far side in its system file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from adapters.kit.answers import AnswerCondition, AnswerRule, Expect
from adapters.kit.charset import texts
from adapters.kit.fields import Plain
from adapters.kit.http import HttpOptions
from adapters.kit.seal import Opening, Seal
from adapters.kit.templates import MESSAGE, Compiler
from adapters.rest.auth import Auths
from adapters.rest.defaults import Defaults, filled
from adapters.rest.listings import Feed, Feedback
from adapters.rest.shape import COMMON, Charset, Method, Shape
from hub.ports import Options

_SECRET = re.compile(r"\$secret\.?([\w\-@]*)")


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


class SealedRequests(Seal):
    """How content is encrypted before it is sent.

    fields: form fields, or members at the top of a JSON body, that are sealed in every request.
    """

    fields: tuple[str, ...] = ()


class SealedAnswers(Opening):
    """How answers are opened. at: the path of the encrypted text; what it holds, JSON or text, takes its place."""

    at: str


class JsonText(Options):
    """Where an answer holds JSON as text: it is read, and paths go on into it. at: the path of the text, empty for the whole."""

    at: str


class RestOptions(HttpOptions):
    """Options of the rest adapter.

    secrets: what templates may name as `$secret.NAME`; never shown, never read as a template · defaults: what requests have in
    common, said once · unseal, documents: what of an answer came encrypted, then where it holds JSON as text, outer ones first ·
    feedback: later verdicts, by any name.
    """

    base_url: str
    defaults: Defaults = Defaults()
    auth: Auths = []
    secrets: dict[str, SecretStr] = {}
    seal: SealedRequests | None = None
    unseal: SealedAnswers | None = None
    documents: tuple[JsonText, ...] = ()
    headers: dict[str, Plain] = Field(default={}, repr=False)
    charset: Charset = "utf-8"
    idempotency_key: str | Literal[False] = "Idempotency-Key"
    answers: list[AnswerRule] = []
    endpoints: dict[str, Endpoint] = {}
    feeds: dict[str, Feed] = {}
    feedback: dict[str, Feedback] = {}
    check: Check | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults_filled(cls, data: Any) -> Any:
        return filled(data) if isinstance(data, Mapping) else data

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
        shapes: list[Shape] = [*self.endpoints.values(), *self.feeds.values(), *self.feedback.values()]
        shapes += [self.check] if self.check else []
        shapes += [endpoint.find for endpoint in self.endpoints.values() if endpoint.find]
        templates = [self.headers, *([shape.headers, shape.query, shape.template] for shape in shapes)]
        for _, text in texts(templates):
            missing = [name for name in _SECRET.findall(text) if name not in self.secrets]
            if missing:
                raise ValueError(f"$secret.{missing[0]} is not among secrets: {', '.join(sorted(self.secrets)) or 'none'}")
        return self

    @model_validator(mode="after")
    def _feedback_fits(self) -> Self:
        for name, feedback in self.feedback.items():
            missing = [endpoint for endpoint in feedback.about if endpoint not in self.endpoints]
            if missing:
                raise ValueError(f"feedback.{name}: there is no endpoint {missing[0]!r}")
        return self
