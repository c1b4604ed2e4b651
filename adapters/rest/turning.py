"""Decides when turning the pages of a list leads nowhere: the far side ignores what it is asked, or leads in circles."""

from __future__ import annotations

from adapters.rest.items import Row
from hub.errors import SourceFailed

#: Most pages with nothing new, one after the other, that each name a next one.
_MOST_IDLE = 100


class Tokens:
    """What one pass has asked for, over a list whose pages name the next one."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._before: list[str] = []
        self._idle = 0

    def asks(self, place: str) -> None:
        """Note where a page is asked for. Raises SourceFailed HUB-S-407 where one was asked for before."""
        if place in self._asked:
            raise _endless(
                "the far side leads back to a page that was read already", "the path of what names the next page is wrong"
            )
        self._asked.add(place)

    def sees(self, rows: list[Row]) -> None:
        """Note a page. Raises SourceFailed HUB-S-407 after too many with nothing new; a few are no fault."""
        marks = _marks(rows)
        self._idle = 0 if marks and marks != self._before else self._idle + 1
        self._before = marks
        if self._idle > _MOST_IDLE:
            raise _endless(f"{_MOST_IDLE} pages with nothing new each name a next one", "does the request hand $cursor over?")


class Numbers:
    """What the numbered pages of one list held. last_again: beyond its end the far side gives its last page once more."""

    def __init__(self, *, last_again: bool) -> None:
        self._last_again = last_again
        self._before: list[str] = []

    def ended(self, rows: list[Row]) -> bool:
        """Tell whether a page is the one before once more, where that means the end. Raises SourceFailed HUB-S-407 elsewhere."""
        marks, before = _marks(rows), self._before
        self._before = marks
        if not marks or marks != before:
            return False
        if self._last_again:
            return True
        raise _endless(
            "the same page came twice", "does the far side heed $page? if it repeats its last page, say last_again: true"
        )


def _marks(rows: list[Row]) -> list[str]:
    return [row.mark for row in rows]


def _endless(reason: str, hint: str) -> SourceFailed:
    return SourceFailed("HUB-S-407", reason, misconfigured=True, hint=hint)
