"""Decides whether a file is in the encoding it should be in: by its mark, and by what its bytes could only be."""

from __future__ import annotations

import codecs
from typing import IO

from adapters.files.rows import BadFile

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1 << 20
#: So many Chinese characters in a row of bytes that is UTF-8 throughout: GBK hits that once in a hundred million files.
_ENOUGH = 4


def codec(encoding: str) -> str:
    """Return the codec to read with: what calls itself GB2312 or GBK is read as GB18030, which contains both."""
    return "gb18030" if encoding in ("gbk", "gb2312", "gb18030") else "utf-8"


def check_mark(start: bytes, encoding: str) -> int:
    """Return the length of the byte order mark to skip. Raises BadFile HUB-S-220 for a mark of another encoding."""
    if start.startswith(_UTF16):
        raise BadFile("HUB-S-220", f"begins with the byte order mark of UTF-16 at byte 0, but {encoding} is declared")
    if not start.startswith(codecs.BOM_UTF8):
        return 0
    if codec(encoding) != "utf-8":
        raise BadFile("HUB-S-220", f"begins with the byte order mark of UTF-8 at byte 0, but {encoding} is declared")
    return len(codecs.BOM_UTF8)


def check_encoding(file: IO[bytes], encoding: str) -> None:
    """Refuse UTF-8 where GBK is declared: it would be read without an error, as other characters. Raises BadFile HUB-S-220.

    The other way round GBK is hardly ever sound UTF-8, so that each row tells.
    """
    if codec(encoding) != "utf-8" and _is_utf8(file):
        raise BadFile("HUB-S-220", f"is in utf-8, but {encoding} is declared")


def _is_utf8(file: IO[bytes]) -> bool:
    """Say whether all of a file is UTF-8 with some Chinese in it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    found = 0
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            found += _chinese(decoder.decode(chunk))
        found += _chinese(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        return False
    return found >= _ENOUGH


def _chinese(text: str) -> int:
    return 0 if text.isascii() else sum("\u4e00" <= letter <= "\u9fff" for letter in text)
