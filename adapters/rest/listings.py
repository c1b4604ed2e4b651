"""Decides what can be said about the lists a REST far side gives: records to read, and later verdicts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from adapters.kit.answers import AnswerCondition, AnswerRule
from adapters.kit.fields import Plain, Seconds
from adapters.kit.verdicts import ByName, VerdictRule
from adapters.rest.shape import Method, Shape
from hub.ports import Options


class NextField(Options):
    """The answer names where to go on; `$cursor` hands it back."""

    by: Literal["field"]
    path: str


class NextPage(Options):
    """Numbered pages (`$page`) of a list that only grows at its end. last_again: as in NextTime."""

    by: Literal["page"]
    size: int = Field(ge=1, description="rows of a full page")
    first: int = 1
    last_again: bool = False


class NextLink(Options):
    """The answer's Link header names the next page (RFC 8288)."""

    by: Literal["link"]


class NextTime(Options):
    """Rows changed since `$cursor`, inclusive; the cursor is (time, key) with an overlap.

    size: rows of a full answer when the far side cuts; none when it always gives all. oldest_first: how a cut answer is sorted.
    With `$page` in the request, more rows of one time than fit one answer are read page by page (from `first`); with
    `oldest_first: false` all pages are, and the cursor only moves after the last. format: iso, ms, s or strftime; a time without
    zone is China's. last_again: beyond the end, the far side gives its last page once more instead of an empty one; otherwise the
    same page twice means that it ignores `$page`.
    """

    by: Literal["time"]
    time: str
    format: str = "iso"
    overlap: Seconds = 600.0
    size: int | None = Field(default=None, ge=1)
    oldest_first: bool = True
    first: int = 1
    last_again: bool = False


class NextNone(Options):
    """The whole list each time."""

    by: Literal["none"] = "none"


class Listing(Shape):
    """A request that lists items. Paths are within one item, except `items` (within the answer).

    data: where in an item its fields stand · start: the first `$cursor` · next: how the list goes on.
    """

    known = frozenset({"cursor", "page"})
    method: Method = "GET"
    items: str = ""
    revision: str | None = None
    data: str | None = None
    next: Annotated[NextField | NextPage | NextLink | NextTime | NextNone, Field(discriminator="by")] = NextNone()
    start: Plain | None = None
    answers: list[AnswerRule] = []

    @property
    def identity(self) -> str:
        """The path of what tells two items apart."""
        raise NotImplementedError

    @property
    def gone(self) -> AnswerCondition | None:
        """What shows that an item stands for a deletion."""
        return None


class Feed(Listing):
    """One kind of record that can be read."""

    key: str
    deleted: AnswerCondition | None = None

    @property
    def identity(self) -> str:
        """The record's key."""
        return self.key

    @property
    def gone(self) -> AnswerCondition | None:
        """What shows that a record was deleted."""
        return self.deleted


class Feedback(Listing):
    """Where the far side lists its later verdicts about what it took, of one endpoint or of several.

    row, batch: paths of what names the message: the route's `row`, and the batch if it is told · key: what tells two verdicts of
    one moment apart, default row · verdicts: rules over an item, the first that matches decides; an item that none matches says
    nothing (yet).
    """

    endpoint: str | ByName
    row: str
    batch: str | None = None
    key: str | None = None
    verdicts: tuple[VerdictRule, ...] = Field(min_length=1)

    @property
    def identity(self) -> str:
        """What tells two verdicts of one moment apart."""
        return self.key or self.row

    @property
    def about(self) -> list[str]:
        """The endpoints it speaks of."""
        return [self.endpoint] if isinstance(self.endpoint, str) else list(self.endpoint.names.values())
