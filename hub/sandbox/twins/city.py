"""Decides what the city's exchange platform holds, judges it later and in writing, and hands down what the province handles."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, Table, exists, func, insert, select, update

from hub.sandbox import national
from hub.sandbox.databases import opened
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Held
from hub.sandbox.twins import city_case, city_down
from hub.sandbox.twins.city_down import Down
from hub.sandbox.twins.city_tables import (
    AREAS,
    ATTRSYNC,
    CITYATTR,
    CITYINFO,
    INFOSYNC,
    JUDGED,
    PROVINCEATTR,
    PROVINCEINFO,
    metadata,
)

_GOOD, _BAD = "accepted", "rejected"
#: cityinfo.applyfrom of what the hall takes in and the upper level handles: 省市联动.
_JOINT = "24"
#: The kinds by which the shipped configuration reads what is handed down, and where in the document a record's name stands.
_KINDS = {
    "80": ("process", ""),
    "81": ("pause", "Node.NodeGuid"),
    "82": ("resume", "Node.NodeGuid"),
    "85": ("outcome", "ApasInfo.SN"),
    "86": ("certificate", ""),
}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was made of one document: its case, when that was applied for or decided, and what is wrong (empty: nothing)."""

    number: str
    since: str
    words: str


class CityTwin(FarSide):
    """The platform's shared database at any SQLAlchemy URL.

    `work` is its people: they read what is new in the order of types (a case before what belongs to it), tell every case that is
    taken and everything that is wrong in feedback of type 99, and carry on the cases that the province handles. Beyond what breaks
    the rules, a share `rate` of all new rows is rejected for no reason in the data, chosen by row key.
    """

    name = "city"

    def __init__(self, url: str, *, seed: int = 1, rate: float = 0.0) -> None:
        self.url, self.seed, self.rate = url, seed, rate
        self.plan = FaultPlan()  # a database does not misbehave by message
        self._engine = opened(url)
        self._refused: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._orphans: set[str] = set()
        self._once = Lock()

    @classmethod
    def on(cls, ground: Ground) -> CityTwin:
        """Build the platform over its database."""
        return cls(ground.url(cls.name), seed=ground.seed, rate=ground.late)

    def environment(self, address: str) -> dict[str, str]:
        """Return where its database is."""
        return {"CITY_URL": self.url}

    def create(self) -> None:
        """Create the tables that are missing."""
        metadata.create_all(self._engine)

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        self._engine.dispose()

    def held(self) -> list[Held]:
        """Return every message and attachment; a message's content is its Body as the platform reads it."""
        with self._engine.connect() as connection:
            messages = [Held("info", row.unid, _message(dict(row._mapping))) for row in connection.execute(select(CITYINFO))]
            files = connection.execute(select(CITYATTR)).mappings()
            return messages + [Held("attr", row["unid"], dict(row) | {"content": _base64(row["content"])}) for row in files]

    def stats(self) -> dict[str, Any]:
        """Return the counts: rows by type, what was judged, and what of the rows handed down nobody has confirmed."""
        with self._engine.connect() as connection:
            types = select(CITYINFO.c.type, func.count()).group_by(CITYINFO.c.type)
            rows = {str(kind): int(number) for kind, number in connection.execute(types)}
            files = _size(connection, CITYATTR)
            open_rows = [_unconfirmed(connection, table, sync) for table, sync in _SYNCED]
        return {
            "taken": sum(rows.values()) + files,
            "rows": rows | {"attr": files},
            "updated": self._counts["updated"],
            "order_violations": self._counts["orphan"],
            "confirmed_cases": self._counts["confirmed"],
            "late_rejections": self._refused.total(),
            "refused": dict(+self._refused),
            "unconfirmed": sum(open_rows),
            "faults": self.plan.thrown(),
        }

    def offered(self) -> list[tuple[str, str]]:
        """Return (kind, key) of everything handed down about cases, and of the files."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(PROVINCEINFO).where(PROVINCEINFO.c.type.in_(_KINDS))).all()
            files = connection.scalars(select(PROVINCEATTR.c.unid)).all()
        return [_named(row) for row in rows] + [("file", unid) for unid in files]

    def work(self) -> int:
        """Judge what is new, parents first, and carry the province's own cases on; returns how many rows that concerned."""
        with self._once, self._engine.begin() as connection:
            files = set(connection.scalars(select(CITYATTR.c.unid))) - set(connection.scalars(select(JUDGED.c.unid)))
            judged = self._judge_all(connection)
            self._look_at_files(connection, files)
            return judged + self._carry_on(connection)

    # --- judging ---

    def _judge_all(self, connection: Connection) -> int:
        order = (CITYINFO.c.type, CITYINFO.c.createtime, CITYINFO.c.unid)
        fresh = connection.execute(select(CITYINFO).where(CITYINFO.c.TCHAR3.is_(None)).order_by(*order)).all()
        known = connection.execute(select(JUDGED).where(JUDGED.c.type == "10"))
        cases = {row.sn: Opinion(row.sn, row.since, "" if row.verdict == _GOOD else _BAD) for row in known}
        return sum(self._judge(connection, row, cases) for row in fresh)

    def _judge(self, connection: Connection, row: Row[Any], cases: dict[str, Opinion]) -> bool:
        """Judge one row, unless it waits for its case; returns whether it was judged."""
        opinion = self._opinion(row)
        case = cases.get(opinion.number)
        if row.type == "10":
            cases[opinion.number] = opinion
        elif opinion.number and (case is None or case.words):
            self._note_orphan(case is None, row.unid)
            return False
        elif case and row.type == "30" and opinion.since < case.since and not opinion.words:
            opinion = replace(opinion, words="失败：办结时间早于申报时间")
        self._write_down(connection, row, opinion)
        return True

    def _note_orphan(self, orphan: bool, unid: str) -> None:
        """Count a row that came before its case, once; one whose case was rejected only waits."""
        if orphan and unid not in self._orphans:
            self._orphans.add(unid)
            self._counts["orphan"] += 1

    def _look_at_files(self, connection: Connection, unids: set[str]) -> None:
        """Count files that no message has announced; `unids` were there before the messages were read."""
        if not unids:
            return
        announcing = select(CITYINFO.c.content).where(CITYINFO.c.type.in_(("10", "31")))
        told = {unid for content in connection.scalars(announcing) for unid in city_down.identifiers(bytes(content or b""))}
        for unid in sorted(unids):
            self._note_orphan(unid not in told, unid)
            connection.execute(insert(JUDGED).values(unid=unid, type="attr", sn="", verdict=_GOOD, since="", stage=0))

    def _opinion(self, row: Row[Any]) -> Opinion:
        """Judge a document by itself."""
        try:
            root, body = city_case.read(bytes(row.content or b""))
        except city_case.Unreadable as error:
            return Opinion("", "", f"失败：{error}")
        number = city_case.text(body, "ApasInfo.SN")
        since = city_case.text(body, "ApasInfo.DeclareTime") or city_case.text(body, "ApasInfo.ProcessedTime")
        found = city_case.faults(row.type, root, body, row.unid)
        if found:
            return Opinion(number, since, f"失败：{'；'.join(found[:3])}")
        return Opinion(number, since, "失败：抽查不合格，请核实后重新报送" if self._sampled(row) else "")

    def _sampled(self, row: Row[Any]) -> bool:
        share = int.from_bytes(hashlib.sha256(row.unid.encode()).digest()[:4]) / 2**32
        if row.action != "I" or share >= self.rate:
            return False
        self.plan.note(FaultKind.LATE_REJECTION)
        return True

    def _write_down(self, connection: Connection, row: Row[Any], opinion: Opinion) -> None:
        number, words = opinion.number, opinion.words
        same = (CITYINFO.c.unid == row.unid, CITYINFO.c.content == row.content)  # else it was written anew meanwhile
        connection.execute(update(CITYINFO).where(*same).values(TCHAR3="1"))
        verdict = {"verdict": _BAD if words else _GOOD, "sn": number, "since": opinion.since}
        if connection.execute(update(JUDGED).where(JUDGED.c.unid == row.unid).values(verdict)).rowcount:
            self._counts["updated"] += 1
        else:
            connection.execute(insert(JUDGED).values(unid=row.unid, type=row.type, stage=0, **verdict))
        self._refused[words] += bool(words)
        if words or row.type == "10":
            self._counts["confirmed"] += not words
            now = national.now().replace(microsecond=0)
            self._hand_down(connection, [city_down.verdict(row.unid, number, words or "成功", now)])

    # --- handing down ---

    def _carry_on(self, connection: Connection) -> int:
        """Hand down the next stage of every case that the province handles."""
        query = select(JUDGED.c.unid, JUDGED.c.sn, JUDGED.c.stage).join(CITYINFO, CITYINFO.c.unid == JUDGED.c.unid)
        due = (JUDGED.c.type == "10", JUDGED.c.verdict == _GOOD, JUDGED.c.stage < 2)
        found = connection.execute(query.where(*due, CITYINFO.c.applyfrom == _JOINT, CITYINFO.c.action != "D")).all()
        for case in found:
            self._hand_down(connection, city_down.course(case.sn, case.stage, self.seed, national.now().replace(microsecond=0)))
            connection.execute(update(JUDGED).where(JUDGED.c.unid == case.unid).values(stage=case.stage + 1))
        return len(found)

    def _hand_down(self, connection: Connection, rows: list[Down]) -> None:
        areas = {"fromareacode": "621100", "fromareaname": "定西市", "toareacode": "621125", "toareaname": "漳县"}
        stamp = f"{national.now():%Y-%m-%d %H:%M:%S}"
        for row in rows:
            common = {"unid": row.unid, "createtime": stamp, "content": row.content, **areas}
            if row.kind:
                message = {"type": row.kind, "xsdtype": "1.0", "action": "I", "applyfrom": "24"}
                connection.execute(insert(PROVINCEINFO).values(**common, **message))
            else:
                connection.execute(insert(PROVINCEATTR).values(**common, TCHAR3=row.file))


_SYNCED = ((PROVINCEINFO, INFOSYNC), (PROVINCEATTR, ATTRSYNC))


def _unconfirmed(connection: Connection, table: Table, sync: Table) -> int:
    """Count the rows nobody has confirmed by repeating their areas as they are, of type and etype 1, with both times.

    Source: the public reader of Fujian's 省网办, which inserts so for every row, whatever its type.
    """
    same = (table.c[name] == sync.c[name] for name in ("unid", *AREAS))
    times = (sync.c[name].like("____-__-__ __:__:__") for name in ("updatetime", "createtime"))
    confirmed = exists().where(*same, *times, sync.c.type == "1", sync.c.etype == "1")
    return connection.scalar(select(func.count()).select_from(table).where(~confirmed)) or 0


def _size(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        content = city_case.read(bytes(row["content"] or b""))[1]
        if row["type"] == "10" and content["Attrs"] == "":  # <Attrs/>: a list without items
            content["Attrs"] = {"Attr": []}
    except city_case.Unreadable as error:
        content = str(error)
    return dict(row) | {"content": content}


def _base64(content: bytes | None) -> str:
    return base64.b64encode(content or b"").decode("ascii")


def _named(row: Row[Any]) -> tuple[str, str]:
    """Return by what kind and name the hub is to know a row that was handed down."""
    kind, place = _KINDS[row.type]
    return kind, city_down.said(row.content, place) if place else row.unid
