"""Decides which characters a target's encoding can hold, and how many bytes they take there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

#: Characters looked at together; keeps a 10 MB field from being copied whole.
_CHUNK = 65_536
#: CPython's gb18030 is the 2005 table: what it and the 2022 one swap with private use (GB 18030-2022), and private use itself.
_UNSURE = re.compile("[\ue000-\uf8ff\ufe10-\ufe19\u9fb4-\u9fbb]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A character encoding as a target declares it; `width` is the most bytes a character may take."""

    name: str
    width: int
    unsure: re.Pattern[str] | None = None

    def fits(self, text: str) -> bool:
        """Say whether every character can be written."""
        try:
            text.encode(self.name)
        except UnicodeEncodeError:
            return False
        return self.unsure is None or self.unsure.search(text) is None

    def size(self, text: str) -> int:
        """Return the bytes `text` takes; a character that cannot be written counts as one."""
        return sum(len(chunk.encode(self.name, "replace")) for _, chunk in _chunks(text))

    def misfits(self, text: str, most: int = 5) -> list[tuple[int, str]]:
        """Return the first so many different characters that cannot be written, each with its position from 1.

        >>> ENCODINGS["gbk"].misfits("马䶮·喆堃")
        [(2, '䶮')]
        """
        found: dict[str, int] = {}
        for start, chunk in _chunks(text):
            if self.fits(chunk):
                continue
            for position, char in enumerate(chunk, start + 1):
                if char not in found and not self.fits(char):
                    found[char] = position
                    if len(found) == most:
                        break
            if len(found) == most:
                break
        return [(position, char) for char, position in found.items()]


#: What `x-encoding` may say. `gb2312` is strict; a target that merely declares GB2312 but takes GBK is described as `gbk`.
ENCODINGS = {
    one.name: one
    for one in (Encoding("utf-8", 4), Encoding("gbk", 2), Encoding("gb2312", 2), Encoding("gb18030", 4, unsure=_UNSURE))
}


def described(position: int, char: str) -> str:
    """Name a character without showing it.

    >>> described(2, "䶮")
    'U+4DAE CJK UNIFIED IDEOGRAPH-4DAE at character 2'
    """
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}{' ' if name else ''}{name} at character {position}"


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    for start in range(0, len(text), _CHUNK):
        yield start, text[start : start + _CHUNK]
