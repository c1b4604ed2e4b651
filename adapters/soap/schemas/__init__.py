"""Decides which public schemas are served from here, so that loading a WSDL asks nobody but the far side."""

from __future__ import annotations

from importlib.resources import files

#: namespace or well-known address -> file beside this module; http and https, with and without a trailing slash, are the same.
_FILES = {
    "schemas.xmlsoap.org/soap/encoding": "soap-encoding.xsd",
    "schemas.xmlsoap.org/soap/envelope": "soap-envelope.xsd",
    "schemas.xmlsoap.org/wsdl": "wsdl.xsd",
    "www.w3.org/2003/05/soap-encoding": "soap12-encoding.xsd",
    "www.w3.org/2001/xml.xsd": "xml.xsd",
    "www.w3.org/2001/03/xml.xsd": "xml.xsd",
    "www.w3.org/XML/1998/namespace": "xml.xsd",
    "www.w3.org/2005/05/xmlmime": "xmlmime.xsd",
    "www.w3.org/2004/08/xop/include": "xop-include.xsd",
    "www.w3.org/2005/08/addressing": "ws-addr.xsd",
    "www.w3.org/2005/08/addressing/ws-addr.xsd": "ws-addr.xsd",
    "www.w3.org/2006/03/addressing/ws-addr.xsd": "ws-addr.xsd",
}


def bundled(address: str) -> bytes | None:
    """Return the schema of that namespace or address, or None when it is not one of the public ones kept here."""
    name = _FILES.get(address.partition("://")[2].rstrip("/"))
    return None if name is None else files(__name__).joinpath(name).read_bytes()
