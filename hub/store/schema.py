"""The store's tables: what was read, what is owed, what was tried, and who works on it.

Times are integer milliseconds since 1970 UTC: exact, ordered, and the same in every database. States are stored by name.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)  # fmt: skip

from hub.model import State

#: SQLite numbers rows by itself only in an INTEGER column.
BIG = BigInteger().with_variant(Integer, "sqlite")

#: States an operator or the hub still looks at; all others are history and cost nothing to skip.
OPEN_STATES: Final = tuple(
    state.value for state in (State.PENDING, State.ACCEPTED, State.HELD, State.PARKED, State.DEAD, State.REJECTED)
)
#: The route of what is owed to nobody: a dead letter of the source itself.
NOWHERE: Final = "-"
#: Literal text, not bound values: a partial index is used only when the query repeats its condition.
OPEN = text("state IN ({})".format(", ".join(f"'{state}'" for state in OPEN_STATES)))

#: What waits in a queue that is emptied by urgency.
RANKED = text("rank IS NOT NULL AND state = 'pending'")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

record = Table(
    "record",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("source", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("run_id", BIG, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index(None, "source", "kind", "key", "id"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("record_id", BIG, nullable=False),
    Column("system", String(64), nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("route", String(64), nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("lane", String(255), nullable=False),
    Column("parent_route", String(64)),
    Column("parent_key", String(255)),
    Column("operation", String(1), nullable=False),
    Column("state", String(12), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("spent", Integer, nullable=False, default=0),  # attempts that count against the retry list
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("batch", String(32), nullable=False),
    Column("row", String(255)),  # the far side's row id, for feedback
    Column("mapping", String(32), nullable=False),  # digest of the mapping that made the body
    Column("generation", Integer, nullable=False, default=0),  # grows when the body is made anew
    Column("remade_at", BigInteger),  # when that was last
    Column("doubtful", Boolean, nullable=False, default=False),  # the last attempt may have arrived: ask before sending again
    Column("stage", String(12)),
    Column("code", String(16)),
    Column("reason", Text),
    Column("deadline", BigInteger),
    Column("window_id", BIG),  # the last window it was sent in
    Column("issues", LargeBinary),
    Column("rank", BigInteger),  # the moment it was promised for, where its system is emptied by that; a lane shares the earliest
    Index(None, "record_id"),
    Index(None, "system", "lane", "id"),
    Index("ix_delivery_open", "system", "partition", "state", "due_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
    Index("ix_delivery_rank", "system", "partition", "rank", "id", sqlite_where=RANKED, postgresql_where=RANKED),
    Index("ix_delivery_row", "system", "row", sqlite_where=text("row IS NOT NULL"), postgresql_where=text('"row" IS NOT NULL')),
)

#: Late refusals of what was taken: the delivery itself tells only the last one, and not after it was sent again.
verdict = Table(
    "verdict",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("delivery_id", BIG, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("code", String(16)),
    Column("said", Text),
    Column("told", String(255)),  # what the far side identifies the verdict by: read again, it is not applied again
    Index(None, "delivery_id"),
)

#: Each time a delivery was made to go again: its tries after `after` sent these bytes.
replay = Table(
    "replay",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("delivery_id", BIG, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("reason", Text),
    Column("after", Integer, nullable=False),
    Column("mapping", String(32)),  # the digest that made the bytes anew; NULL: they are what they were
    Index(None, "delivery_id"),
)

#: Apart from the delivery, so that moving a delivery on never rewrites its bytes.
body = Table(
    "body",
    metadata,
    Column("delivery_id", BIG, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

#: The attempts of one window, opened together before anything is sent (invariant 2). While it is open its deliveries are «sending».
window = Table(
    "window",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("partition", String(96), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("deliveries", LargeBinary),  # their numbers, until it is closed
    Column("calls", SmallInteger, nullable=False, server_default="1"),  # how many it may have at once
    Index("ix_window_open", "partition", sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")),
)

#: Attempts that ended in anything but a plain receipt; of that one the delivery and its window tell everything.
attempt = Table(
    "attempt",
    metadata,
    Column("delivery_id", BIG, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("window_id", BIG, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("code", String(16)),
    Column("said", Text),
    Column("reference", String(255)),
)

run = Table(
    "run",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("source", String(64), nullable=False),
    Column("trigger", String(12), nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("state", String(12), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("full", Boolean, nullable=False, default=False),
    Column("read", BigInteger, nullable=False, default=0),
    Column("unchanged", BigInteger, nullable=False, default=0),
    Column("accepted", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("filtered", BigInteger, nullable=False, default=0),  # part of accepted: no route wanted them
    Column("deliveries", BigInteger, nullable=False, default=0),
    Column("unmappable", BigInteger, nullable=False, default=0),  # part of deliveries: dead at stage map
    Column("code", String(16)),
    Column("reason", Text),
    Column("first_record", BigInteger),  # the records it wrote have numbers from this one on
    Column("next_record", BigInteger),  # and below this one
    Index(None, "source", "id"),
    Index("ix_run_open", "state", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
)

#: How many rows the feeds gave of which something is expected; `day` is the ordinal of a local date.
intake = Table(
    "intake",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("rows", BigInteger, nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("name", String(96), primary_key=True),  # source:NAME, feedback:NAME or feedback-failed:NAME
    Column("value", Text),
    Column("changed_at", BigInteger, nullable=False),
)

partition = Table(
    "partition",
    metadata,
    Column("name", String(96), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("waits_since", BigInteger, nullable=False, server_default="0"),  # for a call of its system to come free
    Column("waits_until", BigInteger, nullable=False, server_default="0"),  # and not longer, unless it says so again
)

#: The processes that share this store's work (`hub worker`), as their last beat told.
worker = Table(
    "worker",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("version", String(32), nullable=False),
    Column("digest", String(64), nullable=False),  # of its configuration
    Column("host", String(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("holds", Text, nullable=False),  # the partitions it is at, separated by spaces
)

system = Table(
    "system",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("paused", Boolean, nullable=False, default=False),
    Column("paused_by", String(128)),
    Column("code", String(16)),
    Column("reason", Text),
    Column("changed_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, default=0),  # windows in a row in which the target took nothing
    Column("rest_until", BigInteger, nullable=False, default=0),
    Column("down_since", BigInteger, nullable=False, server_default="0"),  # when its circuit opened; 0: it is closed
)

#: How often systems with a rate were called: the row is locked while a call is granted, whoever makes it.
quota = Table(
    "quota",
    metadata,
    Column("system", String(64), primary_key=True),
    Column("called", LargeBinary, nullable=False),  # when, for the last minute
    Column("day", String(10), nullable=False),
    Column("today", BigInteger, nullable=False),  # calls on that day
)

sequence = Table(
    "sequence",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(32), nullable=False),
    Column("scope", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("reason", Text),
)
