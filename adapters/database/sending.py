"""Decides how a batch reaches the tables: one transaction, rows of a kind together, and only the guilty row refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from adapters.database.clock import Clock
from adapters.database.connection import Connections
from adapters.database.failures import OF_THE_ROW, Missing, Trouble, doubt, failure, missing, trouble
from adapters.database.options import DatabaseOptions
from adapters.database.reading import Unfit
from adapters.database.statements import Columns
from adapters.database.tables import Tables
from adapters.database.targets import Plan, Refused, Target
from adapters.kit.lanes import behind
from hub.errors import Failure, Misconfigured, Rejected
from hub.model import Message, Operation, Receipt, Taken
from hub.ports import Outcome, go_ahead

#: What the server says only after it has rolled back; any other error of a commit leaves it open whether the rows are there.
_ROLLED_BACK = OF_THE_ROW | {Trouble.BUSY, Trouble.FULL, Trouble.READ_ONLY, Trouble.SCHEMA, Trouble.FORBIDDEN}
_SCHEMA = "HUB-D-303"


@dataclass(frozen=True, slots=True)
class Item:
    """A message, where it stands in the batch, and how it is written."""

    at: int
    message: Message
    plan: Plan


@dataclass(slots=True)
class Group:
    """Items that one statement writes, in order, and their parameters."""

    plan: Plan
    items: list[Item] = field(default_factory=list)

    def columns(self) -> Columns:
        """Convert the messages. Raises Unfit."""
        return self.plan.columns([item.message for item in self.items])


def grouped(items: Sequence[Item]) -> list[Group]:
    """Put items of one plan together as far as every lane keeps its order: within a lane, groups never go backwards."""
    groups: list[Group] = []
    last_of_plan: dict[int, int] = {}
    last_of_lane: dict[str, int] = {}
    for item in items:
        place = last_of_plan.get(id(item.plan), -1)
        if place < last_of_lane.get(item.message.lane, 0):
            place = len(groups)
            groups.append(Group(item.plan))
            last_of_plan[id(item.plan)] = place
        groups[place].items.append(item)
        last_of_lane[item.message.lane] = place
    return groups


def in_lane_order(messages: Sequence[Message], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Defer whatever stands behind a lane's first message that was not taken."""
    stopped: set[str] = set()
    found: list[Outcome] = []
    for message, outcome in zip(messages, outcomes, strict=True):
        found.append(behind() if message.lane in stopped else outcome)
        if isinstance(outcome, Failure):
            stopped.add(message.lane)
    return found


class Sender:
    """Writes messages and looks them up. Thread-safe: what is shared is only looked up."""

    def __init__(self, options: DatabaseOptions, connections: Connections) -> None:
        self._options = options
        self._connections = connections
        self._clock = Clock(connections)
        self._tables = Tables(connections, options.schema_)
        self._targets: dict[str, Target] = {}

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Return one outcome per message, same order."""
        outcomes: list[Outcome] = [Receipt()] * len(messages)
        try:
            items = self._planned(messages, outcomes)
            self._write(self._convertible(items, outcomes), outcomes)
        except sa.exc.DBAPIError as error:  # before anything was written: connecting, or looking at the tables
            raise failure(error, "connecting") from error
        except Missing as error:
            raise missing(error) from error
        return in_lane_order(messages, outcomes)

    # --- from messages to rows ---

    def _planned(self, messages: Sequence[Message], outcomes: list[Outcome]) -> list[Item]:
        items: list[Item] = []
        stopped: set[str] = set()
        for at, message in enumerate(messages):
            if message.lane in stopped:
                continue
            try:
                items.append(Item(at, message, self._plan(message)))
            except Refused as refused:
                outcomes[at] = refused.failure
                stopped.add(message.lane)
        return items

    def _plan(self, message: Message) -> Plan:
        try:
            return self._target(message.endpoint).plan(message)
        except Refused as refused:
            if refused.failure.code != _SCHEMA:
                raise
        self.forget()  # the table may have got that column since it was looked at
        return self._target(message.endpoint).plan(message)

    def _target(self, name: str) -> Target:
        found = self._targets.get(name)
        if found is None:
            found = self._targets[name] = self._prepared(name)
        return found

    def _prepared(self, name: str) -> Target:
        if name not in self._options.endpoints:
            raise Refused(Misconfigured(_SCHEMA, f"there is no endpoint {name}"))
        endpoint = self._options.endpoints[name]
        try:
            shape = self._tables.shape(*endpoint.table)
            return Target(name, endpoint, shape, self._connections.dialect, self._clock)
        except Missing as error:
            raise Refused(missing(error)) from error

    def forget(self) -> None:
        """Look at the tables again before the next use."""
        self._targets = {}
        self._tables.forget()

    def _convertible(self, items: list[Item], outcomes: list[Outcome]) -> list[tuple[Group, Columns]]:
        try:
            return [(group, group.columns()) for group in grouped(items)]
        except (Unfit, Failure):
            good = self._without_unfit(items, outcomes)
            return [(group, group.columns()) for group in grouped(good)]

    def _without_unfit(self, items: list[Item], outcomes: list[Outcome]) -> list[Item]:
        stopped: set[str] = set()
        good: list[Item] = []
        for item in items:
            if item.message.lane in stopped:
                continue
            fault = item.plan.fault(item.message)
            if fault is None:
                good.append(item)
            else:
                outcomes[item.at] = fault
                stopped.add(item.message.lane)
        return good

    # --- from rows to the table ---

    def _write(self, batch: list[tuple[Group, Columns]], outcomes: list[Outcome]) -> None:
        items = sorted((item for group, _ in batch for item in group.items), key=lambda item: item.at)
        if not items:
            return
        try:
            with self._connections.writing() as connection:
                self._all_at_once(connection, batch)
        except _Undone as undone:
            if trouble(undone.error) in OF_THE_ROW:
                self._one_by_one(items, outcomes)
            else:
                self._fail(items, outcomes, self._judged(undone.error, undone.where))
        except Failure as unsure:
            self._fail(items, outcomes, unsure)

    def _all_at_once(self, connection: sa.Connection, batch: list[tuple[Group, Columns]]) -> None:
        where = ""
        try:
            for group, columns in batch:
                where = group.plan.target
                group.plan.writing.execute(connection, columns)
        except sa.exc.DBAPIError as error:
            raise _Undone(error, where) from error
        self._commit(connection, where)

    def _commit(self, connection: sa.Connection, where: str) -> None:
        go_ahead()
        try:
            connection.commit()
        except sa.exc.DBAPIError as error:
            if trouble(error) in _ROLLED_BACK:
                raise _Undone(error, where) from error
            raise doubt(error, where) from error

    def _fail(self, items: Sequence[Item], outcomes: list[Outcome], found: Failure) -> None:
        for item in items:
            if not isinstance(outcomes[item.at], Failure):
                outcomes[item.at] = found

    def _judged(self, error: sa.exc.DBAPIError, where: str) -> Failure:
        if trouble(error) is Trouble.SCHEMA:
            self.forget()
        return failure(error, where)

    def _one_by_one(self, items: list[Item], outcomes: list[Outcome]) -> None:
        """Write the batch again, a savepoint around every row, so that only the guilty one is refused.

        Raises Rejected for the whole call when the database refuses only at the commit and names no row.
        """
        where = items[0].plan.target
        try:
            with self._connections.writing() as connection:
                if self._connections.dialect == "postgresql":
                    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")  # a constraint checked at commit names no row
                self._each(connection, items, outcomes)
                self._commit(connection, where)
        except _Undone as undone:
            refused = self._judged(undone.error, where)
            if isinstance(refused, Rejected) and len(outcomes) > 1:
                raise refused from undone
            self._fail(items, outcomes, refused)
        except sa.exc.DBAPIError as error:
            self._fail(items, outcomes, self._judged(error, where))
        except Failure as unsure:
            self._fail(items, outcomes, unsure)

    def _each(self, connection: sa.Connection, items: list[Item], outcomes: list[Outcome]) -> None:
        stopped: set[str] = set()
        for item in items:
            if item.message.lane not in stopped:
                outcomes[item.at] = self._alone(connection, item)
                if isinstance(outcomes[item.at], Failure):
                    stopped.add(item.message.lane)

    def _alone(self, connection: sa.Connection, item: Item) -> Outcome:
        columns = item.plan.columns([item.message])
        try:
            with connection.begin_nested():
                item.plan.writing.execute(connection, columns)
        except sa.exc.DBAPIError as error:
            found = trouble(error)
            if found not in OF_THE_ROW:
                raise
            if found is Trouble.DUPLICATE and self._holds(connection, item.message):
                return Receipt(Taken.DUPLICATE)
            return failure(error, item.plan.target)
        return Receipt()

    # --- looking up ---

    def find(self, message: Message) -> Receipt | None:
        """Return a receipt if the row is there in this message's version, or gone if it was to be removed."""
        try:
            fault = self._plan(message).fault(message)
            if fault is not None:
                _set_up_or_nothing(fault)
                return None
            with self._connections.reading() as connection:
                return Receipt(Taken.DUPLICATE) if self._holds(connection, message) else None
        except Refused as refused:
            _set_up_or_nothing(refused.failure)
            return None
        except Missing as error:
            raise missing(error) from error
        except sa.exc.DBAPIError as error:
            raise failure(error, f"looking for a row of {message.endpoint}") from error

    def _holds(self, connection: sa.Connection, message: Message) -> bool:
        target = self._target(message.endpoint)
        found = connection.execute(target.question(message)).first()
        if message.operation is Operation.DELETE and target.endpoint.delete == "remove":
            return found is None
        return found is not None and target.proven(message, found)


def _set_up_or_nothing(fault: Failure) -> None:
    """What cannot become a row was never written; a set-up that is wrong says nothing about that."""
    if isinstance(fault, Misconfigured):
        raise fault


class _Undone(Exception):
    """A transaction was rolled back: nothing of it arrived."""

    def __init__(self, error: sa.exc.DBAPIError, where: str) -> None:
        super().__init__(where)
        self.error = error
        self.where = where
