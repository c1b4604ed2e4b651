"""Decides what the hall's clerks do with applications that came in online: accept, refuse with a reason, close, and leave none."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property
from random import Random

from sqlalchemy import Connection, RowMapping, Table, insert, or_, select, update

from hub.sandbox.approval import CASE_TABLES, T_BJ, T_JG
from hub.sandbox.approval_filings import ACCEPTED, ENDED, REFUSED, T_WSSQ
from hub.sandbox.county import Item, county
from hub.sandbox.generator import last_serial
from hub.sandbox.lifecycle import Case, Lifecycles
from hub.sandbox.people import Applicant, Person, Population
from hub.sandbox.worktime import Worktime

#: How many of a hundred applications are refused, and why.
_REFUSED = 20
_REASONS = ("申请材料不齐全，请补正后重新申报", "附件不清晰，无法辨认，请重新上传", "申请事项与所选业务办理项不符，请重新选择")
_UNKNOWN = "申请的事项不在本县权责清单内"


class Hall:
    """The clerks of one county; whether they accept an application depends on nothing but its number and the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._items = {item.task: item for item in county(seed).items}
        self._rng = Random(f"hall-{seed}")

    @cached_property
    def _people(self) -> Population:
        return Population(self._rng, f"hall-{self._seed}", rare=0)

    def work(self, connection: Connection, now: datetime) -> int:
        """Close what was accepted earlier, judge what is new, say so in T_WSSQ. Returns how many rows that concerned.

        `now` is Beijing time without a fraction. What comes in now is closed at the next round at the earliest.
        """
        return self._close(connection, now) + self._judge(connection, now) + _tell(connection, now)

    def _judge(self, connection: Connection, now: datetime) -> int:
        new = or_(T_WSSQ.c.ZT.is_(None), T_WSSQ.c.ZT == "")
        query = select(T_WSSQ).where(new, str(now) >= T_WSSQ.c.SBSJ).order_by(T_WSSQ.c.SBLSH)
        if rows := connection.execute(query).mappings().all():
            makers = self._makers(now)
            for row in rows:
                self._judge_one(connection, makers, row, now)
        return len(rows)

    def _judge_one(self, connection: Connection, makers: Lifecycles, row: RowMapping, now: datetime) -> None:
        rng = Random(f"hall-{self._seed}-{row['SBLSH']}")
        item = self._items.get(row["SXBM"])
        if item is None or rng.randrange(100) < _REFUSED:
            reason = rng.choice(_REASONS) if item else _UNKNOWN
            return _note(connection, row["SBLSH"], now, ZT=REFUSED, BSLYY=reason, CLRXM=makers.clerk())
        case = self._opened(connection, makers, row, item)
        _write(connection, case, CASE_TABLES, now)
        return _note(connection, row["SBLSH"], now, ZT=ACCEPTED, BJBH=case.number, CLRXM=case.main["SLRXM"])

    def _opened(self, connection: Connection, makers: Lifecycles, row: RowMapping, item: Item) -> Case:
        applied = Worktime().at(datetime.fromisoformat(row["SBSJ"]))
        day = row["SBSJ"][:10].replace("-", "")
        makers.serial(day, last_serial(connection, day))
        materials = [(str(one.get("CLMC", "")), str(one.get("FJMC", ""))) for one in json.loads(row["SBCLQD"] or "[]")]
        return makers.filed(item, _applicant(row), applied, materials, filing=row["SBLSH"])

    def _close(self, connection: Connection, now: datetime) -> int:
        """Close the hall's own cases of that kind; a sub-centre's wait for the sub-centre."""
        ended = select(T_JG.c.BJBH)
        open_ones = (T_BJ.c.SBLSH != "", T_BJ.c.SSZX == "", T_BJ.c.BJZT != "03", T_BJ.c.BJBH.not_in(ended))
        if rows := connection.execute(select(T_BJ).where(*open_ones).order_by(T_BJ.c.BJBH)).mappings().all():
            makers = self._makers(now)
            for row in rows:
                self._close_one(connection, makers, row, now)
        return len(rows)

    def _close_one(self, connection: Connection, makers: Lifecycles, row: RowMapping, now: datetime) -> None:
        case = Case(row["BJBH"])
        case.rows["T_BJ"].append(dict(row))
        makers.finished(case, self._items[row["SXBM"]], _applicant(row))
        _write(connection, case, CASE_TABLES[1:], now)
        connection.execute(update(T_BJ).filter_by(BJBH=row["BJBH"]).values(BJZT="03", GXSJ=str(now)))

    def _makers(self, now: datetime) -> Lifecycles:
        clock = Worktime()
        return Lifecycles(county(self._seed), self._people, self._rng, clock, until=clock.at(now))


def _tell(connection: Connection, now: datetime) -> int:
    """Say of every application whose case is closed that it is; returns how many that were."""
    closed = select(T_BJ.c.BJBH).where(T_BJ.c.SBLSH != "", T_BJ.c.BJZT == "03")
    ended = {"ZT": ENDED, "CLSJ": str(now), "GXSJ": str(now)}
    statement = update(T_WSSQ).where(T_WSSQ.c.ZT == ACCEPTED, T_WSSQ.c.BJBH.in_(closed)).values(ended)
    return int(connection.execute(statement).rowcount)


def _note(connection: Connection, filing: str, now: datetime, **said: str) -> None:
    stamped = said | {"CLSJ": str(now), "GXSJ": str(now)}
    connection.execute(update(T_WSSQ).filter_by(SBLSH=filing).values(stamped))


def _write(connection: Connection, case: Case, tables: tuple[Table, ...], now: datetime) -> None:
    for table in tables:
        for row in case.rows[table.name]:
            connection.execute(insert(table), row | {"GXSJ": str(now)})


def _applicant(row: RowMapping) -> Applicant:
    told = {name: value or "" for name, value in row.items()}
    contact = Person(told["LXRXM"], told["LXRSFZJHM"], told["LXRSJ"])
    who = (told["SQRLX"], told["SQRMC"], told["SQRZJLX"], told["SQRZJHM"], told["FRDB"])
    return Applicant(*who, contact, told["XZQHDM"], told["TXDZ"])
