"""Decides what people apply for on the provincial site, how the gateway hands it down, and what it lets be said about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from threading import Lock
from typing import Any

from hub.sandbox.county import Item, county
from hub.sandbox.flaws import Flaw, FlawKind
from hub.sandbox.national import now
from hub.sandbox.people import Applicant, Population
from hub.sandbox.twins.jpaas import Refused, page
from hub.sandbox.worktime import DAY, Worktime

#: How many come in after the county has looked for the first time; one earlier application is corrected with them.
LATER = 6
#: So many applications share one moment of change: a page may end among them.
ALIKE = 5
RECEIVED, ACCEPTED, ENDED, REFUSED = "1", "2", "3", "4"
#: What may be said after what; the same again is always fine, and so is «received»: said late, it changes nothing.
_NEXT = {"": ACCEPTED + ENDED + REFUSED, RECEIVED: ACCEPTED + ENDED + REFUSED, ACCEPTED: ENDED, ENDED: "", REFUSED: ""}
_KINDS = {"1": "1", "2": "2", "4": "5", "5": "3", "6": "4"}  # T_BJ.SQRLX of the made-up people -> GB/T 39046
_PAPERS = {"SF": "111", "XYDM": "001"}
Filing = dict[str, Any]


class Filings:
    """The applications for one county. Thread-safe."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed, self._count = seed, count
        self._lock = Lock()
        self._filings: dict[str, Filing] = {}
        self._states: dict[str, str] = {}
        self._later = LATER
        self._strange = ""  # the one whose certificate the county's code table does not know

    def open(self) -> None:
        """Put in what people applied for before; may be called twice."""
        with self._lock:
            if not self._filings and self._count:
                self._add(self._count)
                strange = self._filings[min(self._filings)]
                strange |= {"ApplyerPageType": "513", "ApplyerPageCode": "C00000001"}
                self._strange = str(strange["SBLSH"])

    def work(self) -> int:
        """Let the last few apply, and one correct a number; returns how many that were, 0 from the second time on."""
        with self._lock:
            if not self._filings or not self._later:
                return 0
            corrected = self._filings[max(self._filings)]
            corrected |= {"ContactMobile": "14000621125", "UpdateTime": str(now().replace(microsecond=0))}
            self._add(self._later)
            done, self._later = self._later + 1, 0
            return done

    def page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the applications changed since `Since`, inclusive, oldest first: page `PageNo` of `PageSize` rows."""
        with self._lock:
            return page(self._filings, asked)

    def said(self, filing: str, state: str) -> None:
        """Keep what the county says of an application. Raises Refused 4001 for one nobody made, or a state that cannot follow."""
        with self._lock:
            if filing not in self._filings:
                raise Refused("4001", "SBLSH 不存在")
            before = self._states.get(filing, "")
            if state == RECEIVED:
                self._states.setdefault(filing, RECEIVED)
                return
            if state != before and state not in _NEXT[before]:
                raise Refused("4001", "SLZTDM 与此前的状态矛盾")
            self._states[filing] = state

    def known(self, filing: str) -> bool:
        """Tell whether somebody made this application."""
        with self._lock:
            return filing in self._filings

    def states(self) -> Counter[str]:
        """Count the applications by what was last said of them; "" is nothing."""
        with self._lock:
            return Counter(self._states.get(filing, "") for filing in self._filings)

    def numbers(self) -> list[str]:
        """Return the numbers of all applications."""
        with self._lock:
            return list(self._filings)

    def flaws(self) -> list[Flaw]:
        """Return the application whose certificate has a code that no table of the county knows."""
        if not self._strange:
            return []
        refused = frozenset({"local"})
        return [Flaw(FlawKind.UNKNOWN_CODE, "T_WSSQ", self._strange, "", "ApplyerPageType", refused)]

    def _add(self, count: int) -> None:
        """Add so many: applied for on a working day before, changed in the last few seconds, some of them in the same one."""
        clock, already, at = Worktime(), len(self._filings), now().replace(microsecond=0)
        latest = clock.at(at)
        rng, salt = Random(f"filings-{self._seed}-{already}"), f"filings-{self._seed}-{already}"
        people, items = Population(rng, salt, rare=0), county(self._seed)
        for number in range(already + 1, already + count + 1):
            item = rng.choices(items.items, items.weights)[0]
            who = people.applicant(item.applicants)
            changed = at - timedelta(seconds=(already + count - number) // ALIKE)
            applied = clock.text(latest - rng.randint(2 * DAY, 4 * DAY))
            key = f"GS{number:012}"
            self._filings[key] = _filing(key, item, who) | {"ApplyDate": applied, "UpdateTime": str(changed)}


def _filing(key: str, item: Item, who: Applicant) -> Filing:
    materials = [{"MaterialName": name, "MaterialAttachName": f"{name}.pdf"} for name in item.materials[:2]]
    return {
        "SBLSH": key, "TaskCode": item.task, "TaskHandleItem": item.handle, "TaskName": item.name,
        "ProjectName": f"关于{who.name}申请{item.name}的办件", "ApplyerName": who.name, "ApplyerType": _KINDS[who.kind],
        "ApplyerPageType": _PAPERS[who.paper], "ApplyerPageCode": who.number, "ApplyType": "2", "Legal": who.legal,
        "ContactName": who.contact.name, "ContactType": "111", "ContactCode": who.contact.identity,
        "ContactMobile": who.contact.mobile, "ZipCode": "748300", "Address": who.address, "RegionCode": who.division,
        "Materials": materials,
    }  # fmt: skip
