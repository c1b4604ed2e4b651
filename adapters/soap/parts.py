"""Decides how XML inside parameters, digests and the reading of answers are declared in YAML."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, model_validator

from adapters.kit.charset import Charset
from adapters.kit.sign import Digest as Algorithm
from adapters.kit.xmlnode import Document, Opened, XPath
from hub.ports import Options


class Inner(Document):
    """XML carried as the text of a parameter: `$inner` in `parameters` or `body`.

    wrap: how it stands inside the envelope · url: URL-encode (UTF-8) its values, or the whole.
    """

    wrap: Literal["escape", "cdata"] = "escape"
    url: Literal["none", "values", "whole"] = "none"


class Digest(Options):
    """`$digest`: a digest (or, with `key`, an HMAC) over the joined values of `of`, written in `encoding`."""

    # A joiner may be a blank; the base class would strip it.
    model_config = {"str_strip_whitespace": False}

    of: tuple[str, ...] = ("$inner",)
    joiner: str = ""
    algorithm: Algorithm = "md5"
    key: SecretStr | None = None
    encoding: Charset = "utf-8"
    case: Literal["lower", "upper"] = "lower"
    output: Literal["hex", "base64"] = "hex"

    @model_validator(mode="after")
    def _key_fits(self) -> Self:
        if self.algorithm.startswith("hmac-") != (self.key is not None):
            raise ValueError("an hmac digest takes a key, and only that")
        return self


class Reading(Options):
    """How to read an answer.

    inner: what the result string holds; `none`: the envelope itself is the answer, and paths start at the first element of its
    body · result: where the string is, unset for the first leaf of the body · decode: how it was wrapped, outermost first:
    escaped once more than XML needs, URL-encoded as UTF-8 or as GBK · charset: overrides what the answer declares ·
    documents: where the XML holds further documents as text, outer ones first.
    """

    inner: Literal["none", "xml", "json", "text"] = "none"
    result: XPath | None = None
    decode: tuple[Literal["unescape", "url", "url-gbk"], ...] = ()
    charset: Charset | None = None
    documents: tuple[Opened, ...] = ()

    @model_validator(mode="after")
    def _in_xml(self) -> Self:
        if self.documents and self.inner not in ("none", "xml"):
            raise ValueError("documents: stand in XML; say inner: xml or leave it out")
        return self
