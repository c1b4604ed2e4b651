"""Decides what an integrator may say about a far side that pushes: how its requests prove who sent them, and what they hold."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from adapters.files.options import Layout, Name
from adapters.kit.answers import AnswerCondition
from adapters.kit.fields import Seconds
from adapters.kit.sign import Into, Signature
from adapters.kit.templates import Compiler
from hub.ports import Options

#: What a template of `fields` may name: the request as it came.
KNOWN = frozenset({"content", "timestamp", "nonce", "secret", "method", "path"})
#: In `fields`: all parameters, and all that the body names.
EVERYTHING = "*"
#: Headers of Standard Webhooks (www.standardwebhooks.com), and what its secrets begin with.
WEBHOOK_ID, WEBHOOK_TIME, WEBHOOK_SIGNATURE, WEBHOOK_SECRET = "webhook-id", "webhook-timestamp", "webhook-signature", "whsec_"


#: How far a time may be from ours; far less than the seven days for which the hub remembers numbers.
Skew = Annotated[Seconds, Field(le=86400)]


class Signed(Signature):
    """A signature by the far side's own recipe; see adapters.kit.sign. `into` is where it stands in the request.

    fields: also `*`, all parameters and all fields of a form or members of a JSON object, but the signature itself. timestamp_in:
    the header, parameter, form field or top member of the JSON body with the time of sending, written as `timestamp` says to the
    last digit. id_in: likewise the number of the push (webhook-id, nonce), the same when it is sent again; without it the signature
    is the number. Both must be signed. skew: how far the time may be from ours, at most a day. former: the secret before, while it
    is being replaced. prefix: what stands before the signature, such as `sha256=`.
    """

    type: Literal["signature"]
    secret: SecretStr
    former: SecretStr | None = None
    timestamp_in: Name
    id_in: Name | None = None
    skew: Skew = 300.0
    prefix: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not all(one.get_secret_value() for one in (self.secret, self.former) if one is not None):
            raise ValueError("a secret is empty: anybody could sign with it")
        if self.digest == "sm2":
            raise ValueError("a push is told from others by a secret both sides know: use a digest or an hmac")
        compiler = Compiler(KNOWN)
        used = {name for text in _templates(self.fields) for name in compiler.compile(text).names}
        self._covers({entry for entry in self.fields if isinstance(entry, str)}, used)
        if self.secret_at == "none" and "secret" not in used:
            raise ValueError("nothing of the secret is in the signature: use an hmac digest, secret_at, or a field of $secret")
        if "content" in used and (self.into.form or self.into.body):
            raise ValueError("a signature over $content cannot stand in the body; put it into a header or the query")
        if not all(text.isascii() for text in (self.joiner, *_templates(self.fields))):
            raise ValueError("joiner and templates of fields are plain ASCII")
        return self

    def _covers(self, names: set[str], used: set[str]) -> None:
        """Demand that time and number are signed: else anybody who saw a push could send it again as a new one."""
        for option, name, placeholder in (("timestamp_in", self.timestamp_in, "timestamp"), ("id_in", self.id_in, "nonce")):
            if name is not None and EVERYTHING not in names and name not in names and placeholder not in used:
                raise ValueError(f"{option}: {name} is not signed; list it, or ${placeholder}, in fields")


def _templates(fields: list[str | dict[str, str]]) -> list[str]:
    return [text for entry in fields if isinstance(entry, dict) for text in entry.values()]


class StandardWebhooks(Options):
    """HMAC-SHA256 over `{id}.{timestamp}.{body}` as Standard Webhooks has it; a secret is `whsec_` and base64."""

    type: Literal["standard-webhooks"]
    secret: SecretStr
    former: SecretStr | None = None
    skew: Skew = 300.0

    @field_validator("secret", "former")
    @classmethod
    def _decodes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(webhook_key(value)) < 16:
            raise ValueError("a secret has at least 16 bytes, written as whsec_ and base64")
        return value

    def recipe(self) -> Signed:
        """Return the same as a recipe."""
        return Signed(
            type="signature",
            fields=[WEBHOOK_ID, WEBHOOK_TIME, {"body": "$content"}],
            pairs="values",
            joiner=".",
            digest="hmac-sha256",
            secret_at="hmac",
            output="base64",
            timestamp="s",
            into=Into(header=WEBHOOK_SIGNATURE),
            prefix="v1,",
            timestamp_in=WEBHOOK_TIME,
            id_in=WEBHOOK_ID,
            **{name: getattr(self, name) for name in ("secret", "former", "skew")},
        )


def webhook_key(secret: SecretStr) -> bytes:
    """Return the bytes of a Standard Webhooks secret; empty when it is not base64."""
    try:
        return base64.b64decode(secret.get_secret_value().removeprefix(WEBHOOK_SECRET), validate=True)
    except binascii.Error:
        return b""


class Feed(Layout):
    """One kind of record that is pushed, and the body it comes in: JSON (a list or an object at `items`), a form, or a file.

    deleted: what a record must look like that says «it is gone». most: rows of one push. largest: bytes of one body.
    """

    format: Literal["json", "form", "csv", "jsonl", "xml", "xlsx"] = "json"
    items: str = ""
    deleted: AnswerCondition | None = None
    most: Annotated[int, Field(ge=1, le=10_000)] = 1000
    largest: Annotated[int, Field(ge=1, le=256 << 20)] = 4 << 20

    @model_validator(mode="after")
    def _fits_format(self) -> Self:
        if self.format in ("csv", "xlsx") and self.columns is None:
            raise ValueError(f"{self.format} needs columns: title to record field")
        if self.items and self.format != "json":
            raise ValueError("items: is a path in a JSON body")
        if self.deleted is not None and (self.deleted.path is None or self.deleted.status or self.deleted.fault):
            raise ValueError("deleted: is a condition on a path of the record")
        return self


class PushOptions(Options):
    """A far side that pushes to /api/v1/push/SYSTEM/KIND. Its secret is its own: the token of the hub's API opens nothing here."""

    auth: Annotated[Signed | StandardWebhooks, Field(discriminator="type")]
    feeds: Annotated[dict[Name, Feed], Field(min_length=1)]
