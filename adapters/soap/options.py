"""Decides what can be said about a SOAP system in YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from adapters.kit.answers import AnswerCondition, AnswerRule
from adapters.kit.charset import Charset, texts
from adapters.kit.fields import Plain, Seconds
from adapters.kit.http import HttpOptions
from adapters.kit.verdicts import VerdictRule
from adapters.kit.xmlnode import Node
from adapters.soap.parts import Digest, Inner, Reading
from hub.ports import ConfigPath, Options

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
#: A file beside the configuration, or an address of the far side itself.
Wsdl = Annotated[Url | ConfigPath, Field(union_mode="left_to_right")]
_NAMED = re.compile(r"(?<!\$)\$(secret|stamps)\.([\w\-]+)")


class Call(Options):
    """One request and how its answer is read: an `operation` of the WSDL, or a `body` template when there is no usable WSDL.

    Its own `header` and `answer` replace the system's.
    """

    operation: str | None = None
    parameters: dict[str, Any] | list[Any] | str = Field(default={}, repr=False)
    body: Node | None = None
    header: tuple[Node, ...] | None = Field(default=None, description="replaces the system's header; [] for none")
    action: str | None = Field(default=None, description="SOAPAction, when the body is a template")
    inner: Inner | None = None
    digest: Digest | None = None
    answer: Reading | None = Field(default=None, description="replaces the system's")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.operation is None) == (self.body is None):
            raise ValueError("say operation: (with a wsdl) or body: (a template), one of them")
        if self.body is not None and self.parameters != {}:
            raise ValueError("parameters: belong to an operation; a body template names its values itself")
        return self


class Ruled(Call):
    """A call with rules of its own, asked before the system's."""

    answers: tuple[AnswerRule, ...] = ()


class Token(Ruled):
    """The handshake that yields `$token`, kept until the far side refuses it or it is older than `lasts`.

    Inherits neither the system's header nor its parameters nor its rules. path: where the token stands in the answer; unset, the
    result string is the token · renew_on: answers that mean it is no longer valid (nothing was taken, the call is made again) ·
    renewals: how often in one attempt.
    """

    path: str | None = None
    renew_on: tuple[AnswerCondition, ...] = ()
    renewals: int = Field(default=2, ge=0, le=5)
    lasts: Seconds | None = None


class FindRule(AnswerCondition):
    """One line of `find.answers`: what shows that the far side has the message, or certainly has not."""

    means: Literal["taken", "missing"]
    reference: str | None = None


class Find(Call):
    """How to ask whether a message in doubt arrived. Needs a rule for both answers: a guess here would lose or double records."""

    answers: tuple[FindRule, ...]

    @model_validator(mode="after")
    def _both(self) -> Self:
        if {rule.means for rule in self.answers} != {"taken", "missing"}:
            raise ValueError("find needs at least one rule that means taken and one that means missing")
        return self


class Endpoint(Ruled):
    """What a route names after `system/`. idempotent: the far side takes the same message twice without doubling it."""

    idempotent: bool = False
    find: Find | None = None


class NextField(Options):
    """The answer says at `path` where to go on; `$cursor` hands it back."""

    by: Literal["field"]
    path: str


class NextTime(Options):
    """The largest value of a row's field is the next `$cursor`; the far side gives rows from that value on, included.

    time: the field; a number works too · overlap: ask from that much earlier, for rows that became visible late; then `format` says
    how the field is written · size: most rows of one answer, when the far side cuts it: without it, rows behind a cut within one
    time could not be told from none.
    """

    by: Literal["time"]
    time: str
    format: str = "%Y-%m-%d %H:%M:%S"
    overlap: Seconds | None = None
    size: int | None = Field(default=None, ge=1)


class NextNone(Options):
    """The whole list each time."""

    by: Literal["none"] = "none"


class Listing(Ruled):
    """A call that lists rows.

    rows: XPath of the rows, or path into JSON · fields: where a row has its values · lists: child elements that are lists even when
    there is one · start: the first cursor · pages: where the answer says how many pages `$page` the answer to one cursor has.
    """

    rows: str = Field(min_length=1)
    fields: Literal["attributes", "elements"] = "elements"
    lists: frozenset[str] = frozenset()
    next: Annotated[NextField | NextTime | NextNone, Field(discriminator="by")] = NextNone()
    start: Plain = ""
    pages: str | None = None


class Feed(Listing):
    """One kind of record read from an operation.

    key, revision: fields of a row; without revision a digest of the row · deleted: a condition over the row's fields.
    """

    key: str | tuple[str, ...]
    revision: str | None = None
    deleted: AnswerCondition | None = None


class Feedback(Listing):
    """Where the far side lists its later verdicts about what one endpoint delivered.

    row, batch: fields that name the message · verdicts: rules over the row's fields, the first that matches decides; a row that
    none matches says nothing (yet).
    """

    endpoint: str
    row: str
    batch: str | None = None
    verdicts: tuple[VerdictRule, ...] = Field(min_length=1)


class Basic(Options):
    """HTTP Basic credentials (RFC 7617)."""

    user: str
    password: SecretStr


class SoapOptions(HttpOptions):
    """A SOAP system. `wsdl` is a file or an address, or absent when every call has a `body` template and `address` is given."""

    wsdl: Wsdl | None = None
    service: str | None = Field(default=None, description="WSDL service, when it has several")
    port: str | None = Field(default=None, description="WSDL port, when the service has several")
    address: Url | None = Field(default=None, description="where to post; overrides the WSDL's")
    strict: bool = Field(default=True, description="false: mend a WSDL that is not well-formed")
    version: Literal["1.1", "1.2"] = Field(default="1.1", description="of template envelopes")
    charset: Charset = Field(default="utf-8", description="of the envelopes sent")
    namespaces: dict[str, str] = Field(default={}, description="prefixes for templates and XPaths")
    secrets: dict[str, SecretStr] = Field(default={}, description="known as $secret.name")
    basic: Basic | None = None
    time_format: str = Field(
        default="%Y-%m-%d %H:%M:%S", description="of $stamp in China's time: when the message was frozen, or now"
    )
    stamps: dict[str, str] = Field(default={}, description="the same moment by other formats, known as $stamps.name")
    header: tuple[Node, ...] = ()
    parameters: dict[str, Any] = Field(default={}, repr=False, description="leading parameters of every operation")
    answer: Reading = Reading()
    answers: tuple[AnswerRule, ...] = ()
    token: Token | None = None
    check: Ruled | None = Field(default=None, description="a harmless call that `hub check --live` makes")
    endpoints: dict[str, Endpoint] = {}
    feeds: dict[str, Feed] = {}
    feedback: dict[str, Feedback] = Field(default={}, description="by any name; later verdicts")
    batch: int = Field(default=16, ge=1, le=200, description="most messages in one send")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for name, call in self.calls():
            if call.operation is not None and self.wsdl is None:
                raise ValueError(f"{name}: an operation needs a wsdl:")
            if call.body is not None and self.address is None:
                raise ValueError(f"{name}: a body template needs address:")
        if not self.endpoints and not self.feeds:
            raise ValueError("say endpoints: (to deliver) or feeds: (to read), or both")
        for name, feedback in self.feedback.items():
            if feedback.endpoint not in self.endpoints:
                raise ValueError(f"feedback.{name}: there is no endpoint {feedback.endpoint!r}")
        return self

    @model_validator(mode="after")
    def _named(self) -> Self:
        known = {"secret": ("secrets", sorted(self.secrets)), "stamps": ("stamps", sorted(self.stamps))}
        for _, text in texts(self.model_dump(exclude={"secrets", "stamps"})):
            for root, name in _NAMED.findall(text):
                option, names = known[root]
                if name not in names:
                    raise ValueError(f"${root}.{name} is not among {option}: {', '.join(names) or 'none'}")
        return self

    def calls(self) -> list[tuple[str, Call]]:
        """Return every configured call with its path in the options."""
        found: list[tuple[str, Call]] = [(f"endpoints.{name}", call) for name, call in self.endpoints.items()]
        found += [(f"endpoints.{name}.find", call.find) for name, call in self.endpoints.items() if call.find]
        found += [(f"feeds.{name}", call) for name, call in self.feeds.items()]
        found += [(f"feedback.{name}", call) for name, call in self.feedback.items()]
        found += [(name, call) for name, call in (("token", self.token), ("check", self.check)) if call]
        return found


def wsdl_location(wsdl: str | Path) -> str:
    """Return the place of the WSDL as one text: an address as it is, a file as an absolute path."""
    return str(wsdl.resolve()) if isinstance(wsdl, Path) else wsdl
