"""Decides how a request is signed with an application's key: a recipe in data, not code.

Covers what provincial gateways ask for: a digest (MD5, SHA-1, SHA-256, SM3 of GB/T 32905), an HMAC or an SM2 signature
(GB/T 32918) over some fields of the request in some order, the secret in some position, the result as hex or base64 somewhere in
the request.
"""

from __future__ import annotations

import base64
import hmac
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hmac import HMAC
from pydantic import SecretStr, field_validator, model_validator

from adapters.kit import sm2
from adapters.kit.charset import encode
from adapters.kit.moments import CHINA
from hub.errors import Rejected
from hub.ports import Options

Digest = Literal["md5", "sha1", "sha256", "sm3", "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sm3"]
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sm3": hashes.SM3,
}


class Into(Options):
    """Where the signature goes: exactly one of a header, a query parameter, a form field, or a path in the JSON body."""

    header: str | None = None
    query: str | None = None
    form: str | None = None
    body: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.header, self.query, self.form, self.body)) != 1:
            raise ValueError("say one of header, query, form, body")
        return self


class Signature(Options):
    """A signature's recipe.

    fields: what is signed, each the name of a form field, query parameter, header or top member of the JSON body, or
      `{name: template}`; these templates know $content (the body as sent), $timestamp, $nonce, $secret, $method, $path.
    order: listed, or sorted by name. pairs: `name=value`, `namevalue`, or only the values. joiner: between them.
    secret_at: none (also when a field is $secret), prefix, suffix, or hmac (as the key). digest, output and case: of the result.
    timestamp: ms, s, or a strftime format in China's time. charset: how the text becomes bytes. skip_empty: leave empty fields out.
    With `digest: sm2` the text is signed with private_key (64 hex digits), for user; the signature is r‖s, or DER if der is true.
    """

    fields: list[str | dict[str, str]]
    order: Literal["listed", "sorted"] = "listed"
    pairs: Literal["name=value", "namevalue", "values"] = "name=value"
    joiner: str = "&"
    skip_empty: bool = False
    secret: SecretStr | None = None
    secret_at: Literal["none", "prefix", "suffix", "hmac"] = "none"
    digest: Digest | Literal["sm2"]
    private_key: SecretStr | None = None
    user: str = sm2.USER
    der: bool = False
    output: Literal["hex", "base64"] = "hex"
    case: Literal["lower", "upper"] = "lower"
    timestamp: str = "ms"
    charset: Literal["utf-8", "gbk", "gb18030"] = "utf-8"
    into: Into

    # Joiners such as a blank or a line break count; the base class would strip them.
    model_config = {"str_strip_whitespace": False}

    @field_validator("fields")
    @classmethod
    def _fields_fit(cls, value: list[str | dict[str, str]]) -> list[str | dict[str, str]]:
        if not value:
            raise ValueError("nothing to sign")
        if any(isinstance(entry, dict) and len(entry) != 1 for entry in value):
            raise ValueError("write each constant as one `name: value`")
        return value

    @model_validator(mode="after")
    def _secret_fits(self) -> Self:
        if self.digest.startswith("hmac-") != (self.secret_at == "hmac"):
            raise ValueError("an hmac digest takes secret_at: hmac, and only that")
        if self.secret_at != "none" and self.secret is None:
            raise ValueError(f"secret_at: {self.secret_at} needs a secret")
        return self

    @model_validator(mode="after")
    def _key_fits(self) -> Self:
        if (self.digest == "sm2") != (self.private_key is not None):
            raise ValueError("digest: sm2 takes a private_key, and only that")
        if self.private_key is not None:
            sm2.need()
            try:
                sm2.private_key(self.private_key.get_secret_value())
            except ValueError:
                raise ValueError("the private_key of sm2 has 64 hex digits") from None
        return self


class Stamp:
    """Time and nonce of one request; the same wherever the request shows them."""

    __slots__ = ("moment", "nonce")

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.nonce = uuid.uuid4().hex

    def text(self, form: str) -> str:
        """Return the moment as `ms`, `s`, or by a strftime format in China's time."""
        if form in ("ms", "s"):
            milliseconds = (self.moment - _EPOCH) // timedelta(milliseconds=1)
            return str(milliseconds if form == "ms" else milliseconds // 1000)
        return self.moment.astimezone(CHINA).strftime(form)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def signature(recipe: Signature, values: list[tuple[str, str]]) -> str:
    """Return the signature over these names and values, in the order the recipe lists them.

    Raises Rejected HUB-D-130 when a value cannot be written in the recipe's charset.
    """
    content = encode(canonical(recipe, values), recipe.charset, dict(values))
    return signed(recipe, content, recipe.secret.get_secret_value().encode(recipe.charset) if recipe.secret else b"")


def signed(recipe: Signature, content: bytes, secret: bytes) -> str:
    """Return the signature over these very bytes with that secret, whichever the recipe names."""
    if recipe.secret_at == "prefix":
        content = secret + content
    elif recipe.secret_at == "suffix":
        content += secret
    if recipe.private_key is not None:
        return shown(_by_sm2(recipe, content, recipe.private_key), recipe)
    return shown(digested(recipe.digest, content, secret), recipe)


def _by_sm2(recipe: Signature, content: bytes, key: SecretStr) -> bytes:
    raw = sm2.signed(sm2.private_key(key.get_secret_value()), content, recipe.user)
    parts = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return encode_dss_signature(*parts) if recipe.der else raw


def canonical(recipe: Signature, values: list[tuple[str, str]]) -> str:
    """Return the text that is signed, without a secret in front or behind."""
    named = [(name, value) for name, value in values if value or not recipe.skip_empty]
    if recipe.order == "sorted":
        named.sort(key=lambda pair: pair[0])
    glue = {"name=value": "{}={}", "namevalue": "{}{}", "values": "{1}"}[recipe.pairs]
    return recipe.joiner.join(glue.format(name, value) for name, value in named)


def digested(digest: str, content: bytes, secret: bytes = b"") -> bytes:
    """Return the raw digest, keyed by `secret` for the hmac ones."""
    if digest.startswith("hmac-"):
        keyed = HMAC(secret, _HASHES[digest.removeprefix("hmac-")]())
        keyed.update(content)
        return keyed.finalize()
    plain = hashes.Hash(_HASHES[digest]())
    plain.update(content)
    return plain.finalize()


def shown(raw: bytes, recipe: Signature) -> str:
    """Return the digest as text; letter case only concerns hex."""
    if recipe.output == "base64":
        return base64.b64encode(raw).decode()
    return raw.hex().upper() if recipe.case == "upper" else raw.hex()


def same(ours: str, theirs: str) -> bool:
    """Compare two signatures without telling by the time it takes where they differ."""
    return hmac.compare_digest(ours.encode(), theirs.encode())


def put_at(tree: Any, path: str, value: str) -> Any:
    """Return a copy of a JSON object with `value` at `/a/b`; raises Rejected HUB-D-132 when something else stands in the way."""
    steps = path.removeprefix("/").split("/")
    if not isinstance(tree, Mapping):
        raise Rejected("HUB-D-132", "the body is no object, the signature has no place in it")
    inner = value if len(steps) == 1 else put_at(tree.get(steps[0], {}), "/".join(steps[1:]), value)
    return {**tree, steps[0]: inner}
