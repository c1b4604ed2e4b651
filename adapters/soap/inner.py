"""Decides how XML carried inside a parameter is written, and what its digest is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

from adapters.kit.charset import encode
from adapters.kit.sign import digested
from adapters.kit.templates import Scope
from adapters.kit.values import compiled
from adapters.kit.xmltemplate import DocumentTemplate, scalar
from adapters.soap.parts import Digest, Inner


class InnerText:
    """The compiled `inner:` of a call."""

    def __init__(self, inner: Inner, namespaces: Mapping[str, str], roots: frozenset[str]) -> None:
        """Compile. Raises ValueError like Template."""
        self._template = DocumentTemplate(inner, namespaces, roots, url=inner.url == "values")
        self._whole = inner.url == "whole"
        self.cdata = inner.wrap == "cdata"

    def text(self, scope: Scope) -> str:
        """Return the document as text, declaration included. Raises Rejected HUB-D-130 to 132, Misconfigured HUB-D-204."""
        text = self._template.text(scope)
        return quote(text, safe="") if self._whole else text


class DigestText:
    """The compiled `digest:` of a call."""

    def __init__(self, digest: Digest, roots: frozenset[str]) -> None:
        """Compile. Raises ValueError on an unknown placeholder."""
        self._parts = [(spec, compiled(spec, roots)) for spec in digest.of]
        self._settings = digest

    def text(self, scope: Scope) -> str:
        """Return the digest as the far side writes it. Raises Rejected HUB-D-130."""
        settings = self._settings
        joined = settings.joiner.join(scalar(value(scope), spec) for spec, value in self._parts)
        key = settings.key.get_secret_value().encode(settings.encoding) if settings.key else b""
        raw = digested(settings.algorithm, encode(joined, settings.encoding), key)
        if settings.output == "base64":
            return base64.b64encode(raw).decode("ascii")
        return raw.hex().upper() if settings.case == "upper" else raw.hex()
