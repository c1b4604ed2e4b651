"""Decides which characters may go into a document and how the bytes of an answer become text."""

from __future__ import annotations

import codecs
import re

from adapters.kit.charset import unencodable, wider
from hub.errors import Rejected

#: Everything outside the Char production of XML 1.0, section 2.2.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def known(name: str) -> str:
    """Return the name itself if Python has a codec of it; raise ValueError otherwise."""
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(f"there is no character set named {name!r}") from None
    return name


def checked(text: str, field: str, charset: str) -> str:
    """Return the text if XML 1.0 allows its characters and the charset has them.

    Raises Rejected HUB-D-131 (XML 1.0, section 2.2) or HUB-D-130; both name the field and the code point, never the value.
    """
    illegal = _ILLEGAL.search(text)
    if illegal:
        raise Rejected("HUB-D-131", f"character U+{ord(illegal[0]):04X} in {field} is not allowed in XML")
    try:
        text.encode(charset)
    except UnicodeEncodeError as error:
        raise unencodable(text[error.start], charset, field) from None
    return text


def decoded(content: bytes, header: str | None = None, forced: str | None = None) -> str:
    """Return the text of an XML or plain answer.

    The charset is the forced one, else the byte-order mark's, the XML declaration's, the Content-Type's, else UTF-8. The
    declaration goes before the header because application servers put a fixed charset there. Declared GB2312 and GBK are read as
    GB18030, their superset. Raises UnicodeDecodeError, LookupError for a charset nobody knows.
    """
    name = forced or _bom(content) or _declared(content) or header or "utf-8"
    return content.decode(wider(name))


def _bom(content: bytes) -> str | None:
    return next((name for mark, name in _BOMS if content.startswith(mark)), None)


def _declared(content: bytes) -> str | None:
    found = _DECLARED.match(content[:300])
    return found[1].decode("ascii") if found else None
