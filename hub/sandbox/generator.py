"""Decides how the approval database is filled with a county's cases, and how its life goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from random import Random

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from hub.sandbox.approval import CASE_TABLES, T_BJ, T_BZ, T_JG, create
from hub.sandbox.county import county
from hub.sandbox.flaws import GroundTruth, Rates, spoil
from hub.sandbox.lifecycle import REPORTED, Case, Lifecycles
from hub.sandbox.national import BEIJING
from hub.sandbox.people import Population
from hub.sandbox.powerlist import enter
from hub.sandbox.worktime import DAY, Worktime

#: The county's past spans this many working days of 2025.
SPAN = 190
#: Cases written in one transaction.
CHUNK = 2_000


def cases(count: int, *, seed: int, rates: Rates) -> Iterator[Case]:
    """Yield `count` flawless cases, oldest first; equal for equal arguments."""
    rng = Random(f"cases-{seed}")
    makers = _makers(rng, seed, "past", rates, until=SPAN * DAY - 1)
    for applied in sorted(rng.randrange(SPAN * DAY - 4 * 3600) for _ in range(count)):
        yield makers.case(applied, closed=rng.random() < rates.closed)


def fill(
    url: str,
    count: int,
    *,
    seed: int = 1,
    rates: Rates | None = None,
    items: bool = True,
    progress: Callable[[int], None] | None = None,
) -> GroundTruth:
    """Create the approval database at `url` and put `count` cases into it, some of them flawed by `rates`.

    `items`: it gets a 权责清单, too. Equal arguments give equal rows. The database must hold none of these cases.
    `progress` is told how many cases each transaction wrote.
    """
    chosen = rates or Rates()
    truth, rng = GroundTruth(), Random(f"flaws-{seed}")
    engine = create(url)
    try:
        if items:
            with engine.begin() as connection:
                enter(connection, seed, chosen, truth)
        source = cases(count, seed=seed, rates=chosen)
        while chunk := list(islice(source, CHUNK)):
            _spoil(chunk, rng, chosen, truth)
            with engine.begin() as connection:
                _write(connection, chunk)
            if progress:
                progress(len(chunk))
    finally:
        engine.dispose()
    return truth


def advance(
    url: str, *, seed: int, new: int = 10, updates: int = 5, rates: Rates | None = None, now: datetime | None = None
) -> GroundTruth:
    """Let the county live on: `new` cases just accepted, and `updates` open cases corrected and carried a step further.

    A correction changes the contact's number in T_BJ, so that targets see operation U; every changed or new row gets `now` (aware;
    default: this moment) as its GXSJ. Returns the account of what this call added; `updated` counts the corrected cases.
    """
    moment = (now or datetime.now(BEIJING)).astimezone(BEIJING).replace(tzinfo=None, microsecond=0)
    chosen = rates or Rates()
    truth, clock = GroundTruth(), Worktime()
    engine = create(url)
    try:
        with engine.begin() as connection:
            salt = f"advance-{moment}-{_size(connection)}"
            rng = Random(f"{salt}-{seed}")
            makers = _makers(rng, seed, salt, chosen, until=clock.at(moment), clock=clock)
            truth.updated = _carry_on(connection, makers, rng, clock, moment, updates, truth)
            fresh = _fresh(connection, makers, clock, moment, new, rng)
            _spoil(fresh, rng, chosen, truth)
            _write(connection, fresh)
    finally:
        engine.dispose()
    return truth


def _makers(rng: Random, seed: int, salt: str, rates: Rates, *, until: int, clock: Worktime | None = None) -> Lifecycles:
    people = Population(rng, f"{salt}-{seed}", rare=rates.rare_name)
    return Lifecycles(county(seed), people, rng, clock or Worktime(), until=until)


def _spoil(chunk: Iterable[Case], rng: Random, rates: Rates, truth: GroundTruth) -> None:
    for case in chunk:
        truth.count(case)
        truth.flaws += spoil(case, rng, rates)


def _write(connection: Connection, chunk: Iterable[Case]) -> None:
    chunk = list(chunk)
    for table in CASE_TABLES:
        rows = [row for case in chunk for row in case.rows[table.name]]
        if rows:
            connection.execute(insert(table), rows)


def _size(connection: Connection) -> int:
    """Count what can only grow, so that two advances within one second differ."""
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in (T_BJ, T_JG))


def _fresh(connection: Connection, makers: Lifecycles, clock: Worktime, moment: datetime, new: int, rng: Random) -> list[Case]:
    last = clock.at(moment) - 3 * 3600 - 60
    day = clock.text(last)[:10].replace("-", "")
    makers.serial(day, last_serial(connection, day))
    made = [makers.case(last, closed=False) for _ in range(new)]
    for case in made:
        for rows in case.rows.values():
            for row in rows:
                row["GXSJ"] = str(moment)
    return made


def last_serial(connection: Connection, day: str) -> int:
    """Return the highest serial number among the case numbers of that day (`yyyyMMdd`)."""
    serial = func.substr(T_BJ.c.BJBH, 40, 4)
    return int(connection.scalar(select(func.max(serial)).where(T_BJ.c.BJBH.like(f"{'_' * 31}{day}____"))) or 0)


def _carry_on(
    connection: Connection, makers: Lifecycles, rng: Random, clock: Worktime, moment: datetime, count: int, truth: GroundTruth
) -> int:
    steps = select(T_BZ.c.BJBH, func.count().label("steps"), func.max(T_BZ.c.KSSJ).label("since")).group_by(T_BZ.c.BJBH).subquery()
    query = (
        select(T_BJ, steps.c.steps)
        .join(steps, steps.c.BJBH == T_BJ.c.BJBH)
        .where(T_BJ.c.BJZT == "02", T_BJ.c.SSZX == "", T_BJ.c.SXLX != REPORTED, steps.c.since < str(moment))
    )
    open_cases = connection.execute(query.order_by(T_BJ.c.GXSJ, T_BJ.c.BJBH).limit(count)).mappings().all()
    for found in open_cases:
        _carry_one(connection, makers, rng, clock.at(moment), moment, found, truth)
    return len(open_cases)


def _carry_one(
    connection: Connection, makers: Lifecycles, rng: Random, now: int, moment: datetime, found: RowMapping, truth: GroundTruth
) -> None:
    row = {column: value for column, value in found.items() if column != "steps"}
    case = Case(row["BJBH"])
    case.rows["T_BJ"].append(row)
    makers.step(case, found["steps"] + 1, "补充审核", now - 600, now - 300, last=True)
    makers.result(case, "", now - 60)
    row |= {"LXRSJ": f"14000{rng.randrange(10**6):06}"}
    for table in CASE_TABLES[1:]:
        for child in case.rows[table.name]:
            connection.execute(insert(table), child | {"GXSJ": str(moment)})
            truth.rows[table.name] += 1
    changed = {"LXRSJ": row["LXRSJ"], "BJZT": row["BJZT"], "GXSJ": str(moment)}
    connection.execute(update(T_BJ).filter_by(BJBH=row["BJBH"]).values(changed))
