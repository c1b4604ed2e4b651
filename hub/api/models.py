"""Decides what the HTTP surface gives: the forms behind OpenAPI. None has a place for a body or a record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from hub.model import State
from hub.store.runs import RunState, Trigger

T = TypeVar("T")


class Given(BaseModel):
    """What the hub answers, made from its own values."""

    model_config = ConfigDict(from_attributes=True)


class Page(Given, Generic[T]):
    """One page. `next` is the `cursor` of the following one, null on the last."""

    items: list[T]
    next: int | None = None


class Items(Given, Generic[T]):
    """All there is."""

    items: list[T]


class RunOut(Given):
    """One pass over one source, with its account: read = unchanged + accepted + rejected once it ended."""

    id: int
    source: str
    trigger: Trigger
    asked_by: str
    state: RunState
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    full: bool
    read: int
    unchanged: int
    accepted: int
    rejected: int
    filtered: int = Field(description="part of accepted: no route wanted them")
    deliveries: int
    unmappable: int = Field(description="part of deliveries: dead at stage map")
    adds_up: bool
    code: str | None
    reason: str | None


class PushedOut(Given):
    """One record of a push and what became of it."""

    key: str
    result: Literal["accepted", "unchanged", "rejected"]
    code: str | None = Field(description="why it was rejected, or, accepted, goes no further: it could not be mapped")
    reason: str | None
    issues: list[dict[str, Any]] = Field(description="which fields break which rules; values are masked")


class PushOut(Given):
    """What became of a push: read = accepted + unchanged + rejected. All of it is durable; nothing need be sent again."""

    run: int = Field(description="the number it is accounted under: `hub runs`")
    repeated: bool = Field(description="this push came before; the account is the one of the first time")
    read: int
    accepted: int
    unchanged: int
    rejected: int
    records: list[PushedOut] = Field(description="in the order they came; rows that are no record at the end")


class ReplayOut(Given):
    """One time a delivery was made to go again, and with which bytes."""

    delivery: int
    at: datetime
    actor: str
    reason: str
    after: int = Field(description="tries made before; those after it were made with what it says")
    mapping: str | None = Field(description="digest of the mapping that made the body anew; null: the bytes it had")


class AttemptOut(Given):
    """One try to deliver."""

    delivery: int
    number: int
    opened_at: datetime
    closed_at: datetime
    outcome: str
    code: str | None
    said: str | None = Field(description="the far side's words, shortened")
    reference: str | None = Field(description="the far side's own number (回执)")
    made: ReplayOut | None = Field(description="who had the body it sent made anew, when, and by which mapping; null: the original")


class DeliveryOut(Given):
    """One record owed to one system. Never its contents: those are shown on the hub's own machine only."""

    id: int
    system: str
    route: str
    endpoint: str
    kind: str
    key: str
    lane: str
    operation: str
    state: State
    attempts: int
    created_at: datetime
    changed_at: datetime
    due_at: datetime
    batch: str
    stage: str | None
    code: str | None
    reason: str | None
    issues: list[dict[str, Any]] = Field(description="what the mapping or the contract found; values are masked")
    parent_route: str | None
    parent_key: str | None
    row: str | None = Field(description="the row's key over there, where the route says which field it is (对方的行标识)")
    approver: str | None = Field(description="whose approval it waits for")


class DecisionOut(Given):
    """What somebody decided about a delivery that waited for approval."""

    delivery: int
    at: datetime
    actor: str
    gate: str = Field(description="whose approval it was")
    approved: bool
    reason: str


class OneDeliveryOut(DeliveryOut):
    """One delivery with its attempts, the times it was made to go again, and the decisions about it."""

    tried: list[AttemptOut]
    replays: list[ReplayOut]
    decisions: list[DecisionOut]


class CaseOut(Given):
    """The life of one case."""

    deliveries: list[DeliveryOut]
    attempts: list[AttemptOut]
    replays: list[ReplayOut]
    decisions: list[DecisionOut]


class BacklogOut(Given):
    """Deliveries in one open state."""

    count: int
    oldest: datetime


class StandingOut(Given):
    """Whether a system is sent to. `down_since`: when its circuit opened; `rest_until`: one delivery probes the target then."""

    paused: bool
    paused_by: str | None
    code: str | None
    reason: str | None
    changed_at: datetime | None
    failures: int
    rest_until: datetime | None
    down_since: datetime | None


class ClosedOut(Given):
    """A system is outside its opening hours, or under maintenance."""

    why: str
    until: datetime | None


class ShortOut(Given):
    """A feed that gave less than is expected of it, from `first` up to and with `last`, and has not made up for it since."""

    kind: str
    got: int
    at_least: int
    first: date
    last: date


class SystemOut(Given):
    """One configured far side: how it stands and what is owed to it, by state."""

    name: str
    title: str
    adapter: str
    contact: str
    platform: str | None = Field(description="the group of systems it belongs to in config/hub.yaml")
    open: bool = Field(description="messages may leave for it now")
    standing: StandingOut
    circuit: str = Field(description="closed, open (nothing leaves), half-open (one delivery probes the target)")
    closed: ClosedOut | None = Field(description="outside its opening hours or under maintenance, and until when")
    rate_spent_until: datetime | None = Field(description="its rate allows no call before")
    backlog: dict[str, BacklogOut]
    short: list[ShortOut] = Field(description="feeds that give less than the system's `expect` says")
    gates: dict[str, BacklogOut] = Field(description="what waits for approval, by whose")
    behind: dict[str, BacklogOut] = Field(
        description="what stands behind held deliveries of its case, by whose approval they need (empty: a person's decision)"
    )


class Counted(Given):
    """Nothing was done: so many would be touched. Send the same with `confirm: true` to do it."""

    would_touch: int
    samples: list[int] = Field([], description="the numbers of the first deliveries that would be")


class Decided(Given):
    """So many held deliveries were decided. `not_waiting`: numbers that were named and do not wait (any more): look again."""

    decided: int
    state: State
    not_waiting: list[int] = []


class Reloaded(Given):
    """The configuration now in force."""

    systems: list[str]
    configuration: str


class Problem(BaseModel):
    """An error (RFC 9457), with the hub's code and its remedy."""

    type: str = Field(examples=["urn:hub:HUB-X-111"])
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    instance: str | None = Field(None, description="number of this very error in the log")
    remedy: dict[str, str] | None = None
