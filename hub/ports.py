"""The contract between the hub and its adapters: this file is all an adapter author must read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, ClassVar, Protocol, TypeAlias, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from hub.errors import UNSENT, Deferred, Failure
from hub.model import Entry, Guarantees, Message, Page, Push, Pushed, Receipt, VerdictPage, Window

Outcome: TypeAlias = Receipt | Failure


class Options(BaseModel):
    """Base of every adapter's options: unknown keys are errors, values never change, secrets are `SecretStr`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)


def _beside_configuration(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base")
    return path if base is None or path.is_absolute() else Path(base) / path


#: A path in an adapter's options; a relative one starts at the directory that holds config/ (validation context `base`).
ConfigPath = Annotated[Path, AfterValidator(_beside_configuration)]


class Adapter(Protocol):
    """A kind of system. One instance serves one configured system, from several threads at once.

    `__init__` opens nothing: connections are made at first use and kept. `close` may be called twice.
    Option errors beyond what pydantic sees are raised in `__init__` as `ValueError`.
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]]

    def __init__(self, options: Options, *, system: str) -> None: ...
    def guarantees(self) -> Guarantees: ...
    def endpoints(self) -> frozenset[str]: ...  # what a route may name after `system/`; empty: no sink
    def kinds(self) -> frozenset[str]: ...  # what it gives as a source, read or pushed; empty: no source
    def close(self) -> None: ...


@runtime_checkable
class Source(Protocol):
    """Reads records.

    `read` yields pages oldest first, from right after `cursor` (None: from the beginning), and ends when there is nothing more now.
    A page's cursor, given back later, resumes after that page: equal cursor values are never skipped, re-reading a few is fine.
    The next page is asked for only when the page before is durable: what is done over there about a page (a claim written back, a
    file moved away) rightly stands behind its `yield`.
    Parents are yielded before their children where the source knows. Raises SourceFailed; pages yielded before stand.
    """

    def read(self, cursor: str | None) -> Iterator[Page]: ...


@runtime_checkable
class Comparable(Protocol):
    """Compares a source with what a cursor remembers of it.

    `changed` tells in words, a line for each feed, what `read` would refuse to go on from that cursor for: a column gone, another
    type. Reading from the beginning agrees to it, and the hub asks here what to. Raises SourceFailed.
    """

    def changed(self, cursor: str) -> Sequence[str]: ...


@runtime_checkable
class Receiver(Protocol):
    """Judges what a far side pushes: HTTP requests in which it hands records over by itself.

    `receive` says which records a request holds and changes nothing: the hub keeps them before it answers, and remembers the
    push's id. Raises Unauthentic when nobody can tell that the far side sent this now, PushRefused when it cannot be read: then
    nothing of it is taken. A single row that is no record is a fault of the page. `largest` is the most bytes of a body.
    """

    def largest(self, kind: str) -> int: ...
    def receive(self, kind: str, push: Push) -> Pushed: ...


@runtime_checkable
class Sink(Protocol):
    """Delivers messages.

    One outcome per message, same order. Within one call, after a message of a lane that was not taken, later messages of that lane
    are not sent: their outcome is `Deferred(until=None)`. Never retries what may have arrived; connecting may be tried again.
    A Failure raised instead of returned holds for all messages of the call. A call refused as a whole, without a word about which
    message is to blame, is a raised Rejected (never one returned for each): nothing of it was taken, and the hub sends it again in
    halves until the guilty one stands alone. Anything else that escapes is a bug, and is retried
    on schedule with its traceback logged.
    """

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]: ...


def _always() -> bool:
    return True


_ours: ContextVar[Callable[[], bool]] = ContextVar("ours", default=_always)


@contextmanager
def only_while(ours: Callable[[], bool]) -> Iterator[None]:
    """Let `go_ahead` stop this thread, until the block ends, once what it is about to send is no longer `ours`."""
    before = _ours.set(ours)
    try:
        yield
    finally:
        _ours.reset(before)


def go_ahead() -> None:
    """Raise Deferred HUB-D-108 when another may have taken over what this thread's `send` was handed.

    A sink whose `send` waits for something first, a free connection, a server that does not answer yet, calls this when it has
    waited, just before its bytes leave. Outside of `send` it never raises.
    """
    if not _ours.get()():
        raise Deferred(UNSENT, "not sent: another may have taken it over while it waited", until=None)


@runtime_checkable
class Checkable(Protocol):
    """Logs in, changes nothing. Raises a Failure that says what is wrong."""

    def check(self) -> None: ...


@runtime_checkable
class Findable(Protocol):
    """Settles «in doubt»: the receipt if the far side has the message, None if it certainly has not; a Failure if nobody knows."""

    def find(self, message: Message) -> Receipt | None: ...


@runtime_checkable
class Feedback(Protocol):
    """Reads later verdicts, oldest first, from right after `cursor`; the same resumption rule as `Source.read`."""

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]: ...


@runtime_checkable
class Inventory(Protocol):
    """Lists what the far side holds, for reconciliation."""

    def inventory(self, window: Window) -> Iterator[Entry]: ...
