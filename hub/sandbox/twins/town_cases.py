"""Decides which cases a township hands over, which of them are wrong, and how each stands on its own form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from hub.sandbox.county import County, county
from hub.sandbox.flaws import Flaw, FlawKind, Rates
from hub.sandbox.lifecycle import Case, Lifecycles
from hub.sandbox.people import Population
from hub.sandbox.twins.town_forms import Form
from hub.sandbox.worktime import DAY, Worktime

#: The townships' past, in working days of 2025: before that of the hall ends.
SPAN = 180
#: A township counts its cases of a day from here on, so that they never meet the hall's own numbers.
FIRST_SERIAL = 9001
#: Flaws are as many times more frequent as a handful of cases needs to show some.
_OFTEN = 8
#: Kinds of applicants a township's form knows.
_KINDS = ("1", "2")

Filing = Mapping[str, Any]  # field → text or time


@dataclass(frozen=True, slots=True)
class Told:
    """One case as a township tells it, and what is wrong with it on purpose."""

    number: str
    values: Filing
    flaw: Flaw | None = None

    @property
    def closed(self) -> bool:
        """Whether it has come to its end."""
        return bool(self.values["result"])


def filings(form: Form, seed: int, count: int, rates: Rates, *, sound: int = 0) -> list[Told]:
    """Return `count` cases of a township, oldest first, and `sound` more without a flaw; equal for equal arguments."""
    rng = Random(f"{form.system}-{seed}")
    makers = Lifecycles(_own(form, seed), Population(rng, f"{form.system}-{seed}", rare=rates.rare_name), rng, Worktime(),
                        until=SPAN * DAY - 1)  # fmt: skip
    serials: dict[str, int] = {}
    found: list[Told] = []
    for applied in sorted(rng.randrange(SPAN * DAY - 4 * 3600) for _ in range(count + sound)):
        case = next(case for case in _tries(makers, applied, rng, rates) if _sayable(form, case))
        day = case.main["SBSJ"][:10].replace("-", "")
        serials[day] = serials.get(day, FIRST_SERIAL - 1) + 1
        number = f"{case.main['SXBM']}{day}{serials[day]}"
        told = Told(number, _filing(form, case, number, rng))
        found.append(_spoilt(told, rng, rates) if len(found) < count else told)
    return found


def corrected(told: Told) -> Told:
    """Return a case whose telephone number was mended."""
    return replace(told, values={**told.values, "phone": f"14000{int(told.values['phone'][-6:]) ^ 1:06}"})


def _own(form: Form, seed: int) -> County:
    """Return the county's items that this township handles itself."""
    whole = county(seed)
    own = [
        (item, weight) for item, weight in zip(whole.items, whole.weights, strict=True) if item.department.division == form.division
    ]
    return County(tuple(item for item, _ in own), tuple(weight for _, weight in own))


def _tries(makers: Lifecycles, applied: int, rng: Random, rates: Rates) -> Iterator[Case]:
    while True:
        yield makers.case(applied, closed=rng.random() < rates.closed)


def _sayable(form: Form, case: Case) -> bool:
    """Say whether the township's program could have this case at all: its applicant's kind, and every letter of its names."""
    if case.main["SQRLX"] not in _KINDS:
        return False
    try:
        f"{case.main['SQRMC']}{case.main['LXRXM']}".encode(form.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _filing(form: Form, case: Case, number: str, rng: Random) -> Filing:
    main, steps, ends = case.main, case.rows["T_BZ"], case.rows["T_JG"]
    last: Mapping[str, Any] = steps[-1] if steps else {}
    end: Mapping[str, Any] = ends[0] if ends else {}
    code = end.get("BJJGDM", "")
    return {
        "number": number, "item": main["SXBM"], "title": main["SXMC"], "kind": form.people[main["SQRLX"]],
        "name": main["SQRMC"], "paper": main["SQRZJHM"], "phone": main["SQRSJH"], "contact": main["LXRXM"],
        "village": rng.choice(form.villages), "address": main["TXDZ"], "applied": _time(main["SBSJ"]),
        "accepted": _time(main["SLSJ"]), "clerk": main["SLRXM"], "checked": _time(last.get("JSSJ") or last.get("KSSJ", "")),
        "checker": last.get("BLRXM", ""), "opinion": last.get("BLYJ", ""), "closed": _time(end.get("BJSJ", "")),
        "result": form.results.get(code, ""), "certificate": end.get("ZJGZMC", ""), "serial": end.get("ZJBH", ""),
        "words": end.get("BJJGMS", ""),
    }  # fmt: skip


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _spoilt(told: Told, rng: Random, rates: Rates) -> Told:
    """Put at most one flaw in, all of which the hub must see before the county's own database gets the case."""
    roll = rng.random()
    for kind in (FlawKind.BAD_DIGIT, FlawKind.UNKNOWN_CODE, FlawKind.OVER_LONG, FlawKind.MISSING, FlawKind.DISORDER):
        rate = getattr(rates, kind.value) * _OFTEN
        if roll < rate:
            field, value = _wrong(kind, told.values)
            flaw = Flaw(kind, "T_BJ", told.number, told.number, field, frozenset({"local"}))
            return Told(told.number, {**told.values, field: value}, flaw)
        roll -= rate
    return told


def _wrong(kind: FlawKind, values: Filing) -> tuple[str, Any]:
    """Return a field and what is wrong in it."""
    paper, accepted = values["paper"], values["accepted"]
    return {
        FlawKind.BAD_DIGIT: ("paper", paper[:-1] + ("1" if paper[-1] != "1" else "2")),
        FlawKind.UNKNOWN_CODE: ("kind", "其它"),
        FlawKind.OVER_LONG: ("name", (values["name"] * 410)[:410]),
        FlawKind.MISSING: ("name", ""),
        FlawKind.DISORDER: ("applied", accepted.replace(month=12, day=31)),
    }[kind]
