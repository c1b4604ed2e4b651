"""Decides in which language the command line speaks: `--lang`, else $HUB_LANG, else Chinese."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

ZH, EN = "zh", "en"


def chosen(arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """Return the language before anything is parsed, since help texts need it first.

    >>> chosen(["--lang", "en", "check"], {}), chosen(["check"], {"HUB_LANG": "en_US.UTF-8"}), chosen([], {})
    ('en', 'en', 'zh')
    """
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            return EN if arguments[index + 1] == EN else ZH
        if argument.startswith("--lang="):
            return EN if argument == f"--lang={EN}" else ZH
    return EN if env.get("HUB_LANG", "").lower().startswith(EN) else ZH


_current = chosen(sys.argv[1:], os.environ)


def current() -> str:
    """Return the language in use: zh or en."""
    return _current


def speak(lang: str) -> None:
    """Use this language from now on."""
    global _current
    _current = EN if lang == EN else ZH


def say(zh: str, en: str) -> str:
    """Return the text of the language in use."""
    return en if _current == EN else zh
