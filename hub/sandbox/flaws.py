"""Decides which rows of the made-up county are wrong and how, and keeps the exact account of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Any

from hub.sandbox.lifecycle import REPORTED, Case, Row
from hub.sandbox.people import OUTSIDE_GBK


class FlawKind(StrEnum):
    """What can be wrong with a row."""

    BAD_DIGIT = "bad_digit"  # a certificate number whose check digit is wrong
    UNKNOWN_CODE = "unknown_code"  # a local code no list knows
    OVER_LONG = "over_long"  # a text longer than the exchange standards allow
    MISSING = "missing"  # a mandatory value is empty
    DISORDER = "disorder"  # the times of one row contradict each other
    CROSSED = "crossed"  # the times of two rows contradict each other: only the far side's late check can see it
    FILLER = "filler"  # a value typed to get past the form; nobody refuses it
    OUTSIDE_GBK = "outside_gbk"  # nothing wrong, but a far side in GBK cannot be told the name
    UNREADABLE = "unreadable"  # a file, or a row of one, that nobody can read


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of cases, 0 to 1: each flaw, and persons with rare characters in their name."""

    bad_digit: float = 0.005
    unknown_code: float = 0.004
    over_long: float = 0.003
    missing: float = 0.001
    disorder: float = 0.004
    crossed: float = 0.002
    filler: float = 0.01
    rare_name: float = 0.03
    closed: float = 0.8  # how many cases have come to their end

    @classmethod
    def none(cls) -> Rates:
        """Return rates at which everything is right and every name ordinary."""
        return cls(0, 0, 0, 0, 0, 0, 0, 0)

    def scaled(self, factor: float) -> Rates:
        """Return these rates with every flaw `factor` times as frequent."""
        return replace(self, **{kind.value: getattr(self, kind.value) * factor for kind in _ORDER})


#: Rolled for in this order, at most one a case; OUTSIDE_GBK is found, not made, and UNREADABLE is no case at all.
_ORDER = tuple(kind for kind in FlawKind if kind not in (FlawKind.OUTSIDE_GBK, FlawKind.UNREADABLE))

PROVINCE, GATEWAY, CITY, SUPERVISION = "province", "gateway", "city", "supervision"
SOCIAL, POLICE = "social", "police"
NATIONALTAX, LOCALTAX, TAX, TRANSPORT = "nationaltax", "localtax", "tax", "transport"
#: Who takes a case and its materials as one document: a wrong material spoils the case.
WHOLE = frozenset({CITY})
#: The sub-centres, and the SSZX of the cases that they are sent.
CENTRES = {SOCIAL: "SB", POLICE: "JJ", NATIONALTAX: "GS", LOCALTAX: "DS", TAX: "SW", TRANSPORT: "YG"}
#: Who writes GBK, and the columns of T_BJ with names that it is told of: what one of them holds must be sayable there.
GBK = {
    SOCIAL: ("SQRMC",),
    POLICE: ("SQRMC",),
    LOCALTAX: ("SQRMC", "LXRXM"),
    TRANSPORT: ("SQRMC",),
    SUPERVISION: ("SQRMC", "SBXMMC", "LXRXM"),
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One row that is wrong. `refused_by`: far sides that must never hold it; `late`: they notice only after taking it."""

    kind: FlawKind
    table: str
    key: str
    case: str
    column: str
    refused_by: frozenset[str]
    late: bool = False


@dataclass(slots=True)
class GroundTruth:
    """What was really put into the approval database."""

    rows: Counter[str] = field(default_factory=Counter)  # by table
    centres: Counter[str] = field(default_factory=Counter)  # cases by sub-centre code
    flaws: list[Flaw] = field(default_factory=list)
    updated: int = 0  # rows changed that were there before

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return self.rows["T_BJ"]

    def by_kind(self) -> Counter[FlawKind]:
        """Count the flaws by kind."""
        return Counter(flaw.kind for flaw in self.flaws)

    def refused(self, system: str, *, late: bool = False) -> frozenset[tuple[str, str]]:
        """Return (table, key) of the rows that `system` must refuse: at the door, or later with `late`."""
        found = (flaw for flaw in self.flaws if system in flaw.refused_by and flaw.late is late)
        whole = system in WHOLE
        return frozenset(("T_BJ", flaw.case) if whole and flaw.table == "T_CL" else (flaw.table, flaw.key) for flaw in found)

    def count(self, case: Case) -> None:
        """Add a case to the account."""
        for table, rows in case.rows.items():
            self.rows[table] += len(rows)
        self.centres[case.main["SSZX"]] += 1


def spoil(case: Case, rng: Random, rates: Rates) -> list[Flaw]:
    """Put at most one flaw into the case, by the rates, and return what is wrong with it now."""
    roll = rng.random()
    flaws: list[Flaw] = []
    for kind in _ORDER:
        rate = getattr(rates, kind.value)
        if roll < rate:
            flaws.append(_SPOILERS[kind](case, rng))
            break
        roll -= rate
    return flaws + unsayable(case.number, case.main)


def _flaw(kind: FlawKind, case: Case, table: str, row: Row, column: str, *systems: str, late: bool = False) -> Flaw:
    reached = frozenset(name for name in systems if CENTRES.get(name, case.main["SSZX"]) == case.main["SSZX"])
    return Flaw(kind, table, row["BJBH"] if table == "T_BJ" else row["ID"], case.number, column, reached, late)


def _bad_digit(case: Case, rng: Random) -> Flaw:
    number = case.main["SQRZJHM"]
    case.main["SQRZJHM"] = number[:-1] + ("1" if number[-1] != "1" else "2")
    return _flaw(FlawKind.BAD_DIGIT, case, "T_BJ", case.main, "SQRZJHM", PROVINCE, GATEWAY, CITY, *CENTRES)


def _unknown_code(case: Case, rng: Random) -> Flaw:
    table, column = rng.choice((("T_BJ", "SQRLX"), ("T_BJ", "SQFS"), ("T_JG", "BJJGDM"), ("T_CL", "SQFS")))
    if not case.rows[table]:
        table, column = "T_BJ", "SQRLX"
    row = rng.choice(case.rows[table])
    row[column] = "8"
    joint = column == "SQFS" and table == "T_BJ" and case.main["SXLX"] == REPORTED and not case.main["SSZX"]
    systems = (PROVINCE, CITY) if table == "T_CL" else (PROVINCE, GATEWAY, CITY)
    told = (system for system in systems if not (joint and system == CITY))  # who hears «joint» is not told how it came in
    kinds = (SUPERVISION,) if column == "SQRLX" else ()
    return _flaw(FlawKind.UNKNOWN_CODE, case, table, row, column, *told, *kinds)


def _over_long(case: Case, rng: Random) -> Flaw:
    table, column, length, systems = rng.choice(_LONG)
    if not case.rows[table]:
        table, column, length, systems = _LONG[0]
    row = rng.choice(case.rows[table])
    row[column] = (row[column] * (length // max(len(row[column]), 1) + 1))[:length]
    return _flaw(FlawKind.OVER_LONG, case, table, row, column, *systems)


_LONG: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("T_BJ", "SQRMC", 130, (PROVINCE, GATEWAY, CITY, SUPERVISION, *CENTRES)),
    ("T_BJ", "SBXMMC", 1200, (PROVINCE, GATEWAY, CITY, SUPERVISION)),
    ("T_BZ", "BLYJ", 2300, (PROVINCE, CITY)),
    ("T_CL", "CLMC", 260, (PROVINCE, CITY)),
)


def _missing(case: Case, rng: Random) -> Flaw:
    case.main["SQRMC"] = ""
    return _flaw(FlawKind.MISSING, case, "T_BJ", case.main, "SQRMC", PROVINCE, GATEWAY, CITY, SUPERVISION, *CENTRES)


def _disorder(case: Case, rng: Random) -> Flaw:
    table, first, second, systems = rng.choice(_TIMES)
    if not case.rows[table] or not case.rows[table][0][second]:
        table, first, second, systems = _TIMES[0]
    row = case.rows[table][0]
    row[first], row[second] = row[second], row[first]
    return _flaw(FlawKind.DISORDER, case, table, row, second, *systems)


_TIMES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("T_BJ", "SBSJ", "SLSJ", (PROVINCE, GATEWAY)),
    ("T_BZ", "KSSJ", "JSSJ", (PROVINCE, CITY)),
    ("T_TBCX", "TBCXKSRQ", "TBCXJSRQ", (PROVINCE, CITY)),
)


def _crossed(case: Case, rng: Random) -> Flaw:
    if not case.rows["T_JG"]:
        return _disorder(case, rng)
    row = case.rows["T_JG"][0]
    row["BJSJ"] = case.main["SBSJ"][:11] + "00:00:01"
    return _flaw(FlawKind.CROSSED, case, "T_JG", row, "BJSJ", PROVINCE, CITY, late=True)


def _filler(case: Case, rng: Random) -> Flaw:
    column, value = rng.choice((("YZBM", "888888"), ("LXRSJ", "18900000000"), ("TXDZ", "无"), ("BZ", "无")))
    case.main[column] = value
    return _flaw(FlawKind.FILLER, case, "T_BJ", case.main, column)


def unsayable(number: str, main: Mapping[str, Any]) -> list[Flaw]:
    """Return, as a flaw at most, which far sides in GBK cannot be told of a case with these columns of T_BJ; some may be absent."""
    rare = {column for told in GBK.values() for column in told if set(OUTSIDE_GBK) & set(main.get(column) or "")}
    there = {name for name in GBK if CENTRES.get(name, "") in ("", main.get("SSZX"))}
    systems = frozenset(name for name in there if rare & set(GBK[name]))
    return [Flaw(FlawKind.OUTSIDE_GBK, "T_BJ", number, number, min(rare), systems)] if systems else []


_SPOILERS: dict[FlawKind, Callable[[Case, Random], Flaw]] = {
    FlawKind.BAD_DIGIT: _bad_digit,
    FlawKind.UNKNOWN_CODE: _unknown_code,
    FlawKind.OVER_LONG: _over_long,
    FlawKind.MISSING: _missing,
    FlawKind.DISORDER: _disorder,
    FlawKind.CROSSED: _crossed,
    FlawKind.FILLER: _filler,
}
