"""Decides how causes of dead letters are shown: rows of one file with one fault as one line, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub.catalogue import issues
from hub.catalogue.answers import answer, refusal, trouble
from hub.catalogue.reasons import reason
from hub.cli import lang
from hub.cli.lang import say
from hub.model import Stage
from hub.store.causes import ROW
from hub.store.groups import DeadGroup

#: Codes whose reasons are places in a file or a push, what has become of a source's columns, or that no rule knows an answer.
_PLACED = re.compile(r"HUB-S-(2\d\d|6\d\d|192|320|409)")
#: Codes whose reasons hold no words of a far side: reading, connecting, writing a body, databases and files.
_UNHEARD = re.compile(r"HUB-(S-\d\d\d|D-(10[1-3]|125|13[0-2]|20\d|3\d\d|4\d\d))")
#: Codes whose reasons are fields and the rules they broke.
_BROKEN = re.compile(r"HUB-M-1\d\d")


def said(code: str | None, text: str | None) -> str:
    """Return a reason in the reader's language; a far side's own words stay as they are."""
    if not text or not code:
        return text or ""
    if _BROKEN.fullmatch(code):
        return issues.cause(text, lang.current())
    told = (trouble if _UNHEARD.fullmatch(code) else answer)(text, lang.current())
    return reason(text, lang.current()) if told == text and _PLACED.fullmatch(code) else told


def refused(code: str, text: str) -> str:
    """Return in the reader's language why a command cannot go on, or the hint behind it."""
    return refusal(text, lang.current()) or said(code, text)


def of_run(code: str | None, text: str | None) -> str:
    """Return why a run ended as it did: without a code it is the hub that says so."""
    return said(code, text) if code else reason(text or "", lang.current())


def sentence(message: str) -> str:
    """Return what an issue says in the reader's language."""
    return issues.sentence(message, lang.current())


def rule(name: str) -> str:
    """Return the name of a rule in the reader's language."""
    return issues.rule(name, lang.current())


def told(one: DeadGroup) -> str:
    """Return the cause of a group, and that there are more rows than the one it names."""
    text = said(one.code, one.reason)
    more = one.stage == Stage.SOURCE and one.count > 1 and ROW.search(one.reason)
    return text + say(f"（等 {one.count} 处）", f" (and {one.count - 1} more)") if more else text


def exactly(groups: Iterable[DeadGroup], given: str | None) -> str | None:
    """Return the cause as it is stored for one that was copied from the screen."""
    return next((one.reason for one in groups if given in (one.reason, said(one.code, one.reason))), given)
