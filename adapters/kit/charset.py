"""Decides how text becomes bytes of the target's character set: exactly, or with an error that names character and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.errors import Rejected

#: What calls itself GB2312 or GBK is read as GB18030, which holds both: senders declare the small set and send the large one.
_WIDER = dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "cp936", "ms936"), "gb18030")


def wider(name: str) -> str:
    """Return the character set to decode with where `name` is declared."""
    return _WIDER.get(name.lower(), name)


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
