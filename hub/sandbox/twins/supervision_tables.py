"""Decides what the middle database of the supervision side holds: submissions up, warnings down, and what becomes of both.

`T_DATATRANSFER_SOURCE` and `T_DATATRANSFER_FREEBACK_TEMP` (sic) have the columns of the published interface; STATUS is '000' until
the supervision side has judged a row, then the code it answers by SOAP too. Whoever reads a warning takes it away.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, Text, func, insert, select, update

from hub.sandbox.databases import opened
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultPlan
from hub.sandbox.ledger import Held
from hub.sandbox.national import now
from hub.sandbox.twins.supervision_rules import (
    BASIC,
    REPLY,
    Alarm,
    Refused,
    Register,
    Submission,
    judge,
    positions,
    reply_by,
    warnings,
)

#: How the supervision side calls this county's platform, and itself.
PLATFORM, BUREAU = "621125", "JC621100"
NEW, TAKEN = "000", "0"
metadata = MetaData()


def _columns(*specs: tuple[str, int]) -> list[Column[str]]:
    return [Column(name, String(length)) for name, length in specs]


SOURCE = Table(
    "T_DATATRANSFER_SOURCE",
    metadata,
    Column("SERIAL_ID", String(50), primary_key=True),
    *_columns(
        ("MESSAGE_NUM", 50), ("TRANSACTION_ID", 50), ("TRANSATCION_OID", 50), ("MSG_NAME", 50), ("BUSINESS_ID", 50),
        ("SOURCES_ID", 50), ("SOURCES_CODE", 50), ("DESTINATION_ID", 50), ("DESTINATION_CODE", 50), ("ORIGINAL_ID", 50),
        ("ORIGINAL_CODE", 50), ("PROCESS_ID", 100),
    ),
    Column("XMLBODY", Text),
    *_columns(
        ("WARN_REPLYINFO", 1000), ("WARN_REPLYUSER", 100), ("REPLY_TIME", 20), ("STATUS", 10), ("CREATE_DATE", 19),
        ("RECEIVE_TYPE", 2), ("WARN_STATUSTYPE", 2), ("IS_PARSE", 2), ("VERSION", 10),
    ),
)  # fmt: skip

FREEBACK = Table(
    "T_DATATRANSFER_FREEBACK_TEMP",
    metadata,
    Column("FB_ID", String(50), primary_key=True),
    *_columns(
        ("BUS_PLATCODE", 50), ("BUSINESS_ID", 50), ("PROCESS_CODE", 100), ("FB_TYPE", 2), ("WARN_TYPE", 2), ("WARN_INFO", 1000),
        ("WARN_REASON", 1000), ("REPLY_TIME", 20), ("ESUPER_ID", 50), ("CREATE_DATE", 19),
    ),
)  # fmt: skip

#: The supervision side's own book of the warnings it raised; not part of the interface.
RAISED = Table(
    "JC_YJ",
    metadata,
    Column("ESUPER_ID", String(50), primary_key=True),
    *_columns(("FB_ID", 50), ("BUSINESS_ID", 50), ("WARN_TYPE", 2), ("REPLY", 1000)),
)


class Bureau:
    """The middle database and the book of warnings, which both forms of the interface share."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The connections, opened at first use."""
        if self._engine is None:
            self._engine = opened(self.url)
        return self._engine

    def create(self) -> None:
        """Create the tables that are missing."""
        metadata.create_all(self.engine)

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def warn(self, found: Iterable[Alarm]) -> int:
        """Hand down what was not handed down before; return how many warnings that were."""
        with self.engine.begin() as connection:
            known = set(connection.scalars(select(RAISED.c.ESUPER_ID)))
            fresh = [one for one in found if one.number not in known]
            if fresh:
                connection.execute(insert(FREEBACK), [_down(one) for one in fresh])
                connection.execute(insert(RAISED), [_noted(one) for one in fresh])
        return len(fresh)

    def warned(self, number: str) -> str | None:
        """Return the case a warning was raised about."""
        with self.engine.connect() as connection:
            return connection.scalar(select(RAISED.c.BUSINESS_ID).filter_by(ESUPER_ID=number))

    def replied(self, number: str, words: str) -> None:
        """Note the reply to a warning."""
        with self.engine.begin() as connection:
            connection.execute(update(RAISED).filter_by(ESUPER_ID=number).values(REPLY=words))

    def counts(self) -> dict[str, int]:
        """Return how many warnings were raised, by colour, and how many were answered."""
        with self.engine.connect() as connection:
            kinds = Counter(connection.scalars(select(RAISED.c.WARN_TYPE)))
            answered = connection.scalar(select(func.count()).select_from(RAISED).where(RAISED.c.REPLY.is_not(None))) or 0
        return {"yellow": kinds["1"], "red": kinds["2"], "answered": answered}


class SupervisionTablesTwin(FarSide):
    """The interface by middle tables: its people judge what stands there as new, and write the code into STATUS."""

    name = "supervision-tables"

    def __init__(self, url: str, register: Register) -> None:
        self.bureau, self.register = Bureau(url), register
        self.plan = FaultPlan()  # a database does not misbehave by message
        self._refused: Counter[str] = Counter()

    @classmethod
    def on(cls, ground: Ground) -> SupervisionTablesTwin:
        """Build it over the middle database."""
        return cls(ground.url("supervision"), Register.of_county(ground.seed))

    def create(self) -> None:
        """Create the tables that are missing."""
        self.bureau.create()

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        self.bureau.stop()

    def environment(self, address: str) -> dict[str, str]:
        """Return where the middle database is."""
        return {"SUPERVISION_TABLES_URL": self.bureau.url}

    def held(self) -> list[Held]:
        """Return every row that came up, its positions as `field_1` and so on; endpoint is the message."""
        return [Held(row["MSG_NAME"], row["TRANSACTION_ID"], row | _named(row["XMLBODY"])) for row in self._rows()]

    def stats(self) -> dict[str, Any]:
        """Return the counts so far; `doubled`: rows that are one transaction of one message."""
        rows = self._rows()
        doubled = len(rows) - len({(row["TRANSACTION_ID"], row["MSG_NAME"]) for row in rows})
        counts = {"taken": len(rows), "doubled": doubled, "order_violations": self._refused["007"]}
        return {**counts, "refused": dict(self._refused), "warnings": self.bureau.counts(), "faults": Counter[str]()}

    def offered(self) -> list[tuple[str, str]]:
        """Return every warning that was ever handed down."""
        with self.bureau.engine.connect() as connection:
            return [("warning", number) for number in connection.scalars(select(RAISED.c.FB_ID))]

    def work(self) -> int:
        """Judge what is new, and raise the warnings that follow."""
        rows = self._rows()
        fresh = [row for row in rows if row["STATUS"] == NEW]
        fresh.sort(key=lambda row: row["MSG_NAME"] != BASIC)
        cases = {row["BUSINESS_ID"]: row["PROCESS_ID"] for row in rows if row["MSG_NAME"] == BASIC}
        codes = {row["SERIAL_ID"]: self._judged(row, cases.get) for row in fresh}
        if codes:
            with self.bureau.engine.begin() as connection:
                _mark(connection, codes)
        taken = [row for row in rows if codes.get(row["SERIAL_ID"], row["STATUS"]) == TAKEN and row["MSG_NAME"] != REPLY]
        return len(fresh) + self.bureau.warn(warnings(_submission(row) for row in taken))

    def _rows(self) -> list[dict[str, Any]]:
        with self.bureau.engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(SOURCE)).mappings()]

    def _judged(self, row: Mapping[str, Any], case: Callable[[str], str | None]) -> str:
        try:
            _addressed(row)
            one = _submission(row)
            judge(one, self.register, case, self.bureau.warned)
        except Refused as refused:
            self._refused[refused.code] += 1
            return refused.code
        if one.name == REPLY:
            self.bureau.replied(one.fields[0], one.fields[1])
        return TAKEN


def _mark(connection: Connection, codes: Mapping[str, str]) -> None:
    for serial, code in codes.items():
        connection.execute(update(SOURCE).filter_by(SERIAL_ID=serial).values(STATUS=code))


def _addressed(row: Mapping[str, Any]) -> None:
    """Check the columns that say who tells whom, and which kind of row it is."""
    ours = {row["SOURCES_CODE"], row["SOURCES_ID"], row["ORIGINAL_CODE"], row["ORIGINAL_ID"]}
    if ours != {PLATFORM} or {row["DESTINATION_CODE"], row["DESTINATION_ID"]} != {BUREAU}:
        raise Refused("002", "来源或目的平台不符")
    if row["RECEIVE_TYPE"] != ("3" if row["MSG_NAME"] == REPLY else "1"):
        raise Refused("005", "RECEIVE_TYPE 与消息类型不符")
    if not row["MESSAGE_NUM"] or not row["CREATE_DATE"] or row["VERSION"] != "1.0" or row["IS_PARSE"] != "1":
        raise Refused("005", "缺少消息编号、生成时间、版本或解析标志")


def _submission(row: Mapping[str, Any]) -> Submission:
    """Read a row; a reply has columns of its own instead of positions. Raises Refused."""
    replied = tuple(row[name] or "" for name in ("TRANSATCION_OID", "WARN_REPLYINFO", "WARN_REPLYUSER", "REPLY_TIME"))
    fields = replied if row["MSG_NAME"] == REPLY else positions(row["XMLBODY"] or "")
    return Submission(row["MSG_NAME"], row["TRANSACTION_ID"] or "", row["BUSINESS_ID"] or "", row["PROCESS_ID"] or "", fields)


def _named(text: str | None) -> dict[str, str]:
    try:
        return {f"field_{number}": value for number, value in enumerate(positions(text or ""), start=1)}
    except Refused:
        return {}


def _down(one: Alarm) -> dict[str, str]:
    told = {"BUSINESS_ID": one.business, "PROCESS_CODE": one.process, "WARN_INFO": one.info, "WARN_REASON": one.reason}
    moment = now().replace(microsecond=0)
    times = {"REPLY_TIME": reply_by(moment.date()), "CREATE_DATE": str(moment)}
    kinds = {"BUS_PLATCODE": PLATFORM, "FB_TYPE": "4", "WARN_TYPE": one.kind, "ESUPER_ID": one.number}
    return {"FB_ID": _feedback_number(one), **told, **times, **kinds}


def _noted(one: Alarm) -> dict[str, str]:
    return {"ESUPER_ID": one.number, "FB_ID": _feedback_number(one), "BUSINESS_ID": one.business, "WARN_TYPE": one.kind}


def _feedback_number(one: Alarm) -> str:
    return hashlib.sha256(one.number.encode()).hexdigest()[:32]
