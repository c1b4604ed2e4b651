"""All errors the hub and its adapters speak in, grouped by who must act.

Delivery outcomes are named after what the hub must do. Which to raise:

| situation                                                        | class         |
|------------------------------------------------------------------|---------------|
| the far side is down, busy, or answers nonsense                  | Retryable     |
| this record, these bytes: no                                     | Rejected      |
| sent, and no answer that can be understood                       | InDoubt       |
| it said when to come back (429, Retry-After, opening hours)      | Deferred      |
| credentials, certificate, address or set-up are wrong            | Misconfigured |
"""

from __future__ import annotations

from datetime import datetime

from hub.model import Finding

#: Most characters of a far side's words that are kept.
SAID_LIMIT = 300


class HubError(Exception):
    """Anything the hub refuses with a code that `hub explain` knows. `message` holds no personal data and no secret."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.code} {self.message}{hint}"


# --- configuration ---


class ConfigurationError(HubError):
    """The configuration has findings; all of them, not only the first."""

    def __init__(self, findings: list[Finding]) -> None:
        first = findings[0]
        more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
        super().__init__(first.code, f"{first}{more}")
        self.findings = findings


# --- outcomes of a send ---


class Failure(HubError):
    """Why a message was not taken. One of five, each naming what the hub must do.

    `code` is a catalogue code, `said` the far side's own words, shortened. Returned in `Sink.send`'s sequence, or raised by the
    adapter for the whole call (then it holds for every message of that call).
    """

    def __init__(self, code: str, message: str, *, said: str = "", hint: str = "") -> None:
        super().__init__(code, message, hint=hint)
        self.said = said[:SAID_LIMIT]


class Retryable(Failure):
    """Nobody's fault in particular; the same bytes may be taken later."""


class Rejected(Failure):
    """The far side refuses this record with these bytes; sending them again is pointless."""


class InDoubt(Failure):
    """The bytes left and no answer came: taken or not, nobody here knows."""


class Deferred(Failure):
    """Not now: come back at `until`, or as soon as the lane is free when `until` is None. Not counted as an attempt."""

    def __init__(self, code: str, message: str, *, until: datetime | None, said: str = "") -> None:
        super().__init__(code, message, said=said)
        self.until = until


class Misconfigured(Failure):
    """No record's fault: the system pauses and its records are spared."""


#: Codes the hub gives and acts upon: the far side was asked and has not got it; there was no time left in the window; an earlier
#: message of the lane was not taken; the system's rate allowed no call; nor one to find out who of a refused batch is at fault.
ABSENT = "HUB-D-107"
UNSENT = "HUB-D-108"
UNGRANTED = "HUB-D-123"
SUSPECTED = "HUB-D-126"
#: A far side said to everybody, not of one record, when to come back (429, Retry-After).
LATER = "HUB-D-112"
QUEUED = "HUB-D-140"
#: Refusals that the hub or an adapter finds by itself, before anything is sent: they say nothing about the far side.
UNASKED = frozenset({"HUB-D-125", "HUB-D-130", "HUB-D-131", "HUB-D-132", "HUB-D-205", "HUB-D-314", "HUB-D-410", "HUB-D-411"})


# --- reading a source ---


class SourceFailed(HubError):
    """A source could not be read (further). What was read before stands; the cursor stays before the rest."""

    def __init__(self, code: str, message: str, *, misconfigured: bool = False, hint: str = "") -> None:
        super().__init__(code, message, hint=hint)
        self.misconfigured = misconfigured


# --- taking a push ---


class PushRefused(HubError):
    """A push that is not taken: nothing of it was kept, and sending it again unchanged is pointless."""


class Unauthentic(PushRefused):
    """Nobody can tell that the far side sent this, or sent it now: a signature, time or number is missing or wrong."""


# --- the hub itself ---


class Fenced(HubError):
    """Somebody else took this partition since; whatever was about to be written is stale."""

    def __init__(self, partition: str) -> None:
        super().__init__("HUB-E-101", f"partition {partition} has a newer owner")


class LeaseHeld(HubError):
    """Another hub works on this store."""


class Closing(HubError):
    """The hub is being stopped or takes a new configuration over: what was asked for was not done, and may be asked again."""


class StoreUnfit(HubError):
    """The store cannot be used as it is: unreachable, of another schema version, or read-only."""
