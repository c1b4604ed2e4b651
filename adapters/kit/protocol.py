"""Decides what a bare HTTP status means for the hub when no rule of the system says otherwise (RFC 9110, RFC 6585)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable

#: However late the far side says, it is asked again after this long.
LONGEST_WAIT = timedelta(hours=24)
#: How long to wait after a 429 that names no time.
USUAL_WAIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Fact:
    """What the hub must do on some statuses."""

    outcome: type[Failure]
    code: str
    meaning: str


#: The table, most specific first; a status in no row (a redirect, say) is not understood. 429, and 503 with Retry-After, are
#: deferred before it is asked.
PROTOCOL: tuple[tuple[range | frozenset[int], Fact], ...] = (
    (frozenset({401, 403, 407}), Fact(Misconfigured, "HUB-D-110", "the credentials were refused")),
    (frozenset({404, 405, 410}), Fact(Misconfigured, "HUB-D-111", "nothing answers at this address")),
    (frozenset({408, 425, 500, 503}), Fact(Retryable, "HUB-D-113", "the far side is down or busy")),
    (frozenset({502, 504}), Fact(InDoubt, "HUB-D-114", "a gateway got no answer from behind it")),
    (range(400, 500), Fact(Rejected, "HUB-D-115", "the far side refused the request")),
    (range(500, 600), Fact(Retryable, "HUB-D-113", "the far side is down or busy")),
)
_OF_THE_RECORD = Fact(Rejected, "HUB-D-115", "the far side does not know the record")
_UNKNOWN = Fact(Retryable, "HUB-D-118", "no rule understands the answer")


def by_status(
    status: int, headers: Mapping[str, str], *, said: str = "", now: datetime | None = None, fixed_path: bool = True
) -> Failure:
    """Return the failure a status outside 2xx means.

    `headers` answers to lower-case names. With `fixed_path` false (the record's key is part of the address) a 404 or 410 is about
    that record and rejects it, instead of pausing the system.
    """
    wait = headers.get("retry-after") if status in (429, 503) else None
    if status == 429 or wait:
        until = _until(wait, now or datetime.now(UTC))
        return Deferred("HUB-D-112", f"HTTP {status}: come back at {until:%Y-%m-%d %H:%M:%S} UTC", until=until, said=said)
    fact = _OF_THE_RECORD if not fixed_path and status in (404, 410) else _fact(status)
    return fact.outcome(fact.code, f"HTTP {status}: {fact.meaning}", said=said)


def _fact(status: int) -> Fact:
    return next((fact for statuses, fact in PROTOCOL if status in statuses), _UNKNOWN)


def _until(value: str | None, now: datetime) -> datetime:
    """Read Retry-After, seconds or an HTTP date (RFC 9110 §10.2.3); nonsense counts as not given."""
    wait = USUAL_WAIT
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text), int(LONGEST_WAIT.total_seconds())))
    elif text:
        wait = _until_date(text, now) or USUAL_WAIT
    return now + min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)


def _until_date(text: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) - now
