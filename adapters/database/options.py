"""Declares what a `database` system may say in YAML: the connection, the feeds it reads, the endpoints it writes, its feedback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from adapters.database.documents import ReadDocument, WrittenDocument, body_fields
from adapters.database.fields import Address, Duration, Names, Overlap, Value, compiled_value, known_encoding
from adapters.kit.answers import AnswerCondition
from hub.model import Judgement
from hub.ports import Options

_QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


#: The `endpoint` of a feedback rule that speaks of all endpoints.
ALL = "*"
#: Column -> the values that are meant; only such rows are read.
Match: TypeAlias = dict[str, Value | tuple[Value, ...]]


class Flag(Options):
    """Rows that hold one of these values in this column."""

    column: str
    values: Annotated[tuple[Value, ...], Field(alias="in", min_length=1)]


class Children(Options):
    """Rows of another table that belong to a record; they become a list in its data."""

    table: str
    key: Names  # the columns that hold the record's key
    parent: Names | None = None  # the record's columns they refer to; default: the feed's key
    order: Names


class Claim(Options):
    """The exchange-table protocol of a reader: how rows are claimed, and what is written back once they are safe here."""

    status: str
    new: Annotated[tuple[Value, ...], Field(min_length=1)] = ("0",)
    taken: Value = "1"
    failed: Value = None
    claimed: Value = None  # None: no claim is written, for a table that has one reader only
    token: str | None = None  # text column that receives the claim's number (32 characters)
    time: str | None = None  # column that receives the time of the claim
    stale: Duration = timedelta(minutes=10)
    error: str | None = None  # text column that receives why a row could not be read
    remove: bool = False  # taken rows are deleted instead of marked

    @model_validator(mode="after")
    def _complete(self) -> Claim:
        if self.claimed is not None and self.time is None:
            raise ValueError(
                "`claimed` needs `time`: without the time of the claim, the rows of a reader that died stay claimed for ever"
            )
        if self.claimed is None and (self.token or self.time):
            raise ValueError("`token` and `time` need `claimed`, the status of a claimed row")
        if self.claimed is None and self.failed is None:
            raise ValueError("without `claimed`, `failed` is needed: an unreadable row would be read again and again")
        return self


class Copied(Options):
    """A value copied from the row that is confirmed."""

    column: str


class Confirm(Options):
    """The second form: the reader confirms by inserting into a sister table; what has no row there is unread."""

    table: str
    by: Annotated[dict[str, str], Field(min_length=1)]  # column over there -> column of the feed's table
    values: Annotated[dict[str, str | int | Copied], Field(alias="set")] = {}  # "$now" is the database's time
    failed: dict[str, str | int] | None = None  # set instead for a row that could not be read; None: it is not confirmed

    def columns(self) -> list[str]:
        """Return the columns of the feed's table it needs."""
        return [*self.by.values(), *(value.column for value in self.values.values() if isinstance(value, Copied))]


class Feed(Options):
    """One kind of record, read from a table or a query."""

    table: Names | None = None  # several: alternative names of one table, the first that exists is used
    query: str | None = None
    key: Names
    time: str | None = None
    overlap: Overlap = timedelta(minutes=5)
    page: Annotated[int, Field(ge=1, le=10_000)] = 1000
    record_key: Names | None = None  # what a record is called where that is not its row's key: columns, or places in a document
    revision: str | None = None
    match: Match = {}
    deleted: Flag | None = None
    documents: dict[str, ReadDocument] = {}
    text_bytes: str | None = None
    base64: tuple[str, ...] = ()
    children: dict[str, Children] = {}
    claim: Claim | None = None
    confirm: Confirm | None = None

    @field_validator("query")
    @classmethod
    def _read_only(cls, query: str | None) -> str | None:
        if query is not None and (not _QUERY.match(query) or ";" in query):
            raise ValueError("one SELECT is expected, without a semicolon")
        return query

    @field_validator("text_bytes")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        return known_encoding(encoding)

    @model_validator(mode="after")
    def _complete(self) -> Feed:
        if (self.table is None) == (self.query is None):
            raise ValueError("either `table` or `query` is expected")
        if self.claim and self.confirm:
            raise ValueError("`claim` and `confirm` exclude each other")
        if (self.claim or self.confirm) and self.table is None:
            raise ValueError("`claim` and `confirm` need a `table`")
        if self.time is None and not (self.claim or self.confirm):
            raise ValueError("`time` is expected: the column new and changed rows are found by")
        return self


class Constant(Options):
    """A column and what is always written into it."""

    column: str
    value: str | int


class Sync(Options):
    """The sync columns of an exchange table (national front-end tables: cd_operation, cd_batch, cd_time, data_source)."""

    operation: str | None = None
    batch: str | None = None
    time: str | None = None
    source: Constant | None = None


class Endpoint(Options):
    """One table that is written."""

    table: Names  # several: alternative names of one table, the first that exists is used
    key: Names
    mode: Literal["upsert", "insert"] = "upsert"
    columns: Names | None = None
    sync: Sync = Sync()
    initial: dict[str, Value] = {}  # a text may hold placeholders of the message; "$now" alone is the database's time
    documents: dict[str, WrittenDocument] = {}
    delete: Literal["mark", "remove"] = "mark"
    text_bytes: str | None = None
    base64: tuple[str, ...] = ()

    @field_validator("text_bytes")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        return known_encoding(encoding)

    @field_validator("initial")
    @classmethod
    def _known_placeholders(cls, initial: dict[str, Value]) -> dict[str, Value]:
        for value in initial.values():
            compiled_value(value)
        return initial

    @model_validator(mode="after")
    def _columns_told(self) -> Endpoint:
        if self.documents and not self.columns:
            raise ValueError("`documents` needs `columns`: the fields of the body that are columns, too")
        return self

    def told(self, field: str) -> bool:
        """Tell whether some document uses this field of the body."""
        used = [body_fields(document) for document in self.documents.values()]
        return any(fields is None or field in fields for fields in used)


class Status(Options):
    """What a status column says about a row."""

    column: str
    confirmed: tuple[Value, ...] = ()
    rejected: tuple[Value, ...] = ()


def column_of(place: str, documents: Mapping[str, ReadDocument]) -> str:
    """Return the column of a place: the place itself, or what it begins with where that holds a document."""
    column = place.partition(".")[0]
    return column if column in documents else place


class VerdictRule(AnswerCondition):
    """One line of `verdicts`: what a row says about the message it names. `path`: a column, or a place inside its document."""

    means: Judgement


class FeedbackRule(Options):
    """Where the far side writes its later verdicts about the rows of an endpoint, of several, or of all (`*`).

    `row`, `batch` and `said` are columns, or places inside the document a column holds: `content.Body.SN`. `{table}` in `table`
    and in the values of `match` stands for the endpoint's own table, `{TABLE}` for its name in capitals.
    """

    endpoint: Names
    table: str | None = None  # default: the endpoint's own table
    row: str
    batch: str | None = None
    match: Match = {}
    documents: dict[str, ReadDocument] = {}
    text_bytes: str | None = None
    judgement: Literal["confirmed", "rejected"] | None = None
    status: Status | None = None
    verdicts: Annotated[tuple[VerdictRule, ...], Field(min_length=1)] | None = None
    said: Names | None = None
    time: str | None = None
    key: Names
    overlap: Overlap | None = None  # default: 5m; for the endpoint's own table it must be said
    page: Annotated[int, Field(ge=1, le=10_000)] = 1000
    confirm: Confirm | None = None

    @model_validator(mode="after")
    def _awaited(self) -> FeedbackRule:
        if self.table is None and self.time is not None and self.confirm is None and self.overlap is None:
            raise ValueError(
                "`overlap` is expected: the longest the far side takes to judge a row; its time stays that of writing, "
                "so that a row judged later is never seen"
            )
        return self

    @model_validator(mode="after")
    def _complete(self) -> FeedbackRule:
        if sum(way is not None for way in (self.judgement, self.status, self.verdicts)) != 1:
            raise ValueError("one of `judgement`, `status` and `verdicts` is expected")
        if self.status and not (self.status.confirmed or self.status.rejected):
            raise ValueError("`status` needs values for `confirmed`, `rejected` or both")
        if self.status and self.status.column in self.match:
            raise ValueError("`match` and `status` name the same column")
        self.feed(("",))
        return self

    def feed(self, table: tuple[str, ...]) -> Feed:
        """Return how the rows of verdicts are read from a table. Raises ValueError."""
        status = {self.status.column: (*self.status.confirmed, *self.status.rejected)} if self.status else {}
        return Feed(
            table=table,
            key=self.key,
            time=self.time,
            overlap=timedelta(minutes=5) if self.overlap is None else self.overlap,
            page=self.page,
            match={**self.match, **status},
            documents=self.documents,
            text_bytes=self.text_bytes,
            confirm=self.confirm,
        )

    def columns(self) -> list[str]:
        """Return the columns the rule looks at."""
        places = [self.row, self.batch, self.time, *(self.said or ()), *(rule.path for rule in self.verdicts or ())]
        named = [column_of(place, self.documents) for place in places if place]
        status = [self.status.column] if self.status else []
        return [*self.key, *self.match, *self.documents, *named, *status, *(self.confirm.columns() if self.confirm else ())]


class DatabaseOptions(Options):
    """Options of a system whose adapter is `database`."""

    url: Address
    schema_: Annotated[str | None, Field(alias="schema")] = None
    connect_timeout: Duration = timedelta(seconds=10)
    statement_timeout: Duration = timedelta(seconds=60)
    pool: Annotated[int, Field(ge=1, le=100)] = 4
    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    max_field: Annotated[int, Field(ge=1)] = 16 * 2**20
    feeds: dict[str, Feed] = {}
    endpoints: dict[str, Endpoint] = {}
    feedback: tuple[FeedbackRule, ...] = ()

    @model_validator(mode="after")
    def _known_endpoints(self) -> DatabaseOptions:
        unknown = sorted({name for rule in self.feedback for name in rule.endpoint} - {*self.endpoints, ALL})
        if unknown:
            raise ValueError(f"feedback names endpoints that are not declared: {', '.join(unknown)}")
        return self
