"""Decides how one thing wrong with a record is told: where, by which rule, with a masked value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hub.mapping.masking import mask
from hub.mapping.times import moment
from hub.model import Json


class Severity(StrEnum):
    """Whether an issue stops the record."""

    BLOCK = "block"
    WARN = "warn"


#: rule -> catalogue code. A rule that is not here is a transform's name.
RULES = {
    "required": "HUB-M-101",
    "type": "HUB-M-102",
    "length": "HUB-M-103",
    "bytes": "HUB-M-104",
    "encoding": "HUB-M-105",
    "replaced": "HUB-M-112",
    "enum": "HUB-M-106",
    "pattern": "HUB-M-107",
    "format": "HUB-M-108",
    "range": "HUB-M-109",
    "unknown": "HUB-M-110",
    "schema": "HUB-M-111",
    "code": "HUB-M-120",
    "order": "HUB-M-130",
    "not-future": "HUB-M-131",
    "certificate": "HUB-M-132",
    "uscc": "HUB-M-133",
    "equal": "HUB-M-134",
    "length-of": "HUB-M-135",
    "needs": "HUB-M-136",
    "one-of": "HUB-M-137",
    "pair-matrix": "HUB-M-138",
    "contains": "HUB-M-139",
    "absent": "HUB-M-140",
    "filler": "HUB-M-141",
    "workdays": "HUB-M-142",
}
CONVERSION = "HUB-M-121"
#: rule -> its number in the rule catalogue, unless the mapping's check or the contract's field (`x-rule`) gives one.
NUMBERS = {
    "required": "F01",
    "length": "F02",
    "bytes": "F02",
    "code": "F03",
    "enum": "F03",
    "encoding": "F04",
    "replaced": "F04",
    "certificate": "F05",
    "uscc": "F05",
}
#: Rules about the form of a value: these `x-rule` numbers.
_FORM = frozenset({"type", "length", "enum", "pattern", "format", "range"})

#: Rules that are about a code, or about a time: there the value itself is the matter.
_CODES = frozenset({"code", "enum", "pair-matrix"})
_TIMES = frozenset({"order", "not-future"})
_LONGEST_CODE = 12
_TELEPHONE = re.compile(r"1\d{10}|0\d{2,3}-?\d{7,8}")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with one record. Holds no personal data: `value` is masked, `message` never quotes it.

    `path` is the target's path (`materials[2].name`), `rule` a stable word, `title` the field's Chinese name when the contract
    gives one, `id` the rule's number in the rule catalogue (T01) when there is one.
    """

    path: str
    rule: str
    message: str
    value: str = ""
    code: str = ""
    severity: Severity = Severity.BLOCK
    title: str = ""
    id: str = ""

    def __str__(self) -> str:
        title = f" {self.title}" if self.title else ""
        value = f" [{self.value}]" if self.value else ""
        return f"{self.path}{title}: {self.message}{value}"


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a target field besides its value: its Chinese title, its kind of personal data, the rule of its form."""

    title: str = ""
    personal: str | None = None
    number: str = ""  # the rule's number for the form of its values


UNLABELLED = Label()


def issue(path: str, rule: str, message: str, value: Json = None, label: Label = UNLABELLED) -> Issue:
    """Make a blocking issue; the value is masked here, once, for everybody."""
    number = (label.number if rule in _FORM else "") or NUMBERS.get(rule, "")
    return Issue(path, rule, message, shown(value, rule, label.personal), RULES.get(rule, CONVERSION), title=label.title, id=number)


def shown(value: Json, rule: str, personal: str | None) -> str:
    """Mask a value, except a short code or a time that is itself what is wrong, in a field that holds no personal data.

    The operator must see the code to mend the table, and the time to have it mended. A telephone number is never a code.

    >>> shown("转外单位", "code", None), shown("转外单位", "length", None), shown("07", "code", "name")
    ('转外单位', '转***', '0**')
    >>> shown("2016-12-13 09:00:00", "order", None), shown("13800000000", "enum", None)
    ('2016-12-13 09:00:00', '1***')
    """
    open_to_all = personal is None and isinstance(value, str) and value.isprintable()
    return value if open_to_all and (_code(value, rule) or _time(value, rule)) else mask(value, personal)


def _code(value: str, rule: str) -> bool:
    return rule in _CODES and len(value) <= _LONGEST_CODE and not _TELEPHONE.fullmatch(value)


def _time(value: str, rule: str) -> bool:
    return rule in _TIMES and moment(value) is not None


def blocks(issues: Iterable[Issue]) -> bool:
    """Say whether any of these stops the record."""
    return any(one.severity is Severity.BLOCK for one in issues)
