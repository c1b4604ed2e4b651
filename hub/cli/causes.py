"""Decides how causes of dead letters are shown: rows of one file with one fault as one line, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub.catalogue import issues
from hub.catalogue.reasons import reason
from hub.cli import lang
from hub.cli.lang import say
from hub.model import Stage
from hub.store.causes import ROW
from hub.store.groups import DeadGroup

#: Codes whose reasons tell the place in a file or a push, fields and the rules they broke, or what a rule made of an answer; all
#: others are a far side's own words.
_PLACED = re.compile(r"HUB-S-(2|6)\d\d")
#: What has become of a source's columns.
_CHANGED = re.compile(r"HUB-S-(192|320)")
_BROKEN = re.compile(r"HUB-M-1\d\d")
_ANSWERED = re.compile(r"HUB-D-1(17|18|2[0-2])")
#: A read whose answer no rule knows: its reason is phrases of our own, too.
_UNKNOWN = re.compile(r"HUB-S-409")


def said(code: str | None, text: str | None) -> str:
    """Return a reason in the reader's language."""
    if not text or not code:
        return text or ""
    ways = ((_PLACED, reason), (_CHANGED, reason), (_UNKNOWN, reason), (_BROKEN, issues.cause), (_ANSWERED, issues.answer))
    return next((say_it(text, lang.current()) for codes, say_it in ways if codes.fullmatch(code)), text)


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
