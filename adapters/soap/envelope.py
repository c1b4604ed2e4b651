"""Decides how a finished envelope becomes the bytes and headers of one HTTP request."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from adapters.kit.charset import encode
from adapters.soap.options import Basic

#: Envelope namespace and media type of each SOAP version (SOAP 1.1 section 4, SOAP 1.2 part 1 section 5).
ENVELOPES = {
    "1.1": ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml"),
    "1.2": ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An envelope that was built and not yet sent. Its text may hold personal data: never log it."""

    address: str
    envelope: etree._Element
    headers: Mapping[str, str]

    def content(self, charset: str) -> bytes:
        """Return the bytes to post, with an XML declaration. Raises Rejected HUB-D-130."""
        text = f'<?xml version="1.0" encoding="{charset.upper()}"?>{etree.tostring(self.envelope, encoding="unicode")}'
        return encode(text, charset)

    def wire_headers(self, charset: str) -> list[tuple[bytes, bytes]]:
        """Return the headers; the charset of Content-Type is the envelope's."""
        headers = {name: value.replace("charset=utf-8", f"charset={charset}") for name, value in self.headers.items()}
        return [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]


def wrapped(version: str, header: Sequence[etree._Element], body: etree._Element) -> etree._Element:
    """Return an envelope of that SOAP version around header entries and one body entry."""
    uri, _ = ENVELOPES[version]
    envelope = etree.Element(f"{{{uri}}}Envelope", nsmap={"soap": uri})
    if header:
        etree.SubElement(envelope, f"{{{uri}}}Header").extend(header)
    etree.SubElement(envelope, f"{{{uri}}}Body").append(body)
    return envelope


def template_headers(version: str, action: str | None) -> dict[str, str]:
    """Return Content-Type and SOAPAction as the SOAP version wants them (1.1 section 6.1.1; 1.2 puts the action into the type)."""
    _, media = ENVELOPES[version]
    if version == "1.1":
        return {"SOAPAction": f'"{action or ""}"', "Content-Type": f"{media}; charset=utf-8"}
    suffix = f'; action="{action}"' if action else ""
    return {"Content-Type": f"{media}; charset=utf-8{suffix}"}


def credentials(basic: Basic | None) -> list[tuple[bytes, bytes]]:
    """Return the Authorization header of HTTP Basic, in UTF-8 (RFC 7617); nothing without credentials."""
    if basic is None:
        return []
    pair = f"{basic.user}:{basic.password.get_secret_value()}".encode()
    return [(b"Authorization", b"Basic " + base64.b64encode(pair))]
