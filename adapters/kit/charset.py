"""Decides how text becomes bytes of the target's character set, and back: exactly, or with an error naming character and field."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from hub.errors import Rejected

#: Everything outside the Char production of XML 1.0, section 2.2.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: What calls itself GB2312 or GBK is read as GB18030, which holds both: senders declare the small set and send the large one.
_WIDER = dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "cp936", "ms936"), "gb18030")
#: What Python's codecs know beside character sets; some of these refuse everything, others make something else of it.
_NO_CHARSETS = frozenset({"undefined", "punycode", "idna", "unicode-escape", "raw-unicode-escape"})


def wider(name: str) -> str:
    """Return the character set to decode with where `name` is declared. Raises LookupError for codecs that are none."""
    if name.lower().replace("_", "-") in _NO_CHARSETS:
        raise LookupError(f"{name} is no character set")
    return _WIDER.get(name.lower(), name)


def known(name: str) -> str:
    """Return the name itself if Python can write text in it; raise ValueError otherwise."""
    try:
        "".encode(wider(name))
    except LookupError:
        raise ValueError(f"there is no character set named {name!r}") from None
    return name


#: The name of a character set, in options.
Charset = Annotated[str, AfterValidator(known)]


def encode(text: str, charset: str, body: Any = None) -> bytes:
    """Return `text` in that character set; raises Rejected HUB-D-130 naming the first character that it lacks, and the field.

    Never writes a substitute. `body` is where the text came from; only used to tell the field.
    """
    try:
        return text.encode(charset)
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        raise unencodable(letter, charset, field_of(letter, body)) from None


def unencodable(letter: str, charset: str, field: str) -> Rejected:
    """Return the refusal of a character; the code point says which one without quoting anybody's name."""
    place = f" in {field}" if field else ""
    return Rejected("HUB-D-130", f"character U+{ord(letter):04X}{place} cannot be written in {charset}")


def field_of(letter: str, body: Any) -> str:
    """Return the path of the first value that holds the character, empty when none does."""
    return next((path for path, text in texts(body) if letter in text), "")


def texts(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a JSON tree with its dotted path."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from texts(value, f"{path}.{name}" if path else str(name))
    elif isinstance(tree, list | tuple):
        for at, value in enumerate(tree):
            yield from texts(value, f"{path}.{at}")


def checked(text: str, field: str, charset: str) -> str:
    """Return the text if XML 1.0 allows its characters and the charset has them.

    Raises Rejected HUB-D-131 (XML 1.0, section 2.2) or HUB-D-130; both name the field and the code point, never the value.
    """
    illegal = forbidden(text)
    if illegal:
        raise Rejected("HUB-D-131", f"character U+{ord(illegal):04X} in {field} is not allowed in XML")
    try:
        text.encode(charset)
    except UnicodeEncodeError as error:
        raise unencodable(text[error.start], charset, field) from None
    return text


def forbidden(text: str) -> str:
    """Return the first character XML 1.0 does not allow, empty when there is none."""
    found = _ILLEGAL.search(text)
    return found[0] if found else ""


def told(content: bytes, header: str | None = None) -> str:
    """Return the charset bytes say they are in: by mark, XML declaration, `header` (that of the Content-Type), else UTF-8.

    The declaration goes before the header because application servers put a fixed charset there. Chinese that is plainly UTF-8 is
    taken so even where GB2312 or GBK is declared: as GB18030 it would become other characters without an error (senders write with
    the default charset of their machine and declare another).
    """
    name = by_mark(content) or by_declaration(content) or header or "utf-8"
    return "utf-8" if _WIDER.get(name.lower(), name.lower()) == "gb18030" and _is_utf8(content) else name


def _is_utf8(content: bytes) -> bool:
    """Tell whether bytes are UTF-8 beyond doubt: a pair of bytes may be either («·» is «路»), three in a row that fit are not."""
    try:
        return any(letter >= "\u0800" for letter in content.decode())
    except UnicodeDecodeError:
        return False


def by_mark(content: bytes) -> str | None:
    """Return the charset a byte-order mark tells."""
    return next((name for mark, name in _BOMS if content.startswith(mark)), None)


def by_declaration(content: bytes) -> str | None:
    """Return the charset an XML declaration tells."""
    found = _DECLARED.match(content[:300])
    return found[1].decode("ascii") if found else None
