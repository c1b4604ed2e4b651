"""Decides how the lists of later verdicts are read from an HTTP interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.kit.verdicts import VerdictReader
from adapters.rest.feeds import Reader, read_all
from adapters.rest.listings import Feedback
from adapters.rest.options import RestOptions
from adapters.rest.session import Session
from hub.model import VerdictPage


class Verdicts:
    """Every feedback of one far side, compiled. Raises ValueError when its options do not fit together."""

    def __init__(self, feedback: Mapping[str, Feedback], options: RestOptions, session: Session) -> None:
        self._readers = {name: Reader(name, one, options, session) for name, one in feedback.items()}
        self._judges = {name: VerdictReader(name, one.endpoint, one.row, one.batch, one.verdicts) for name, one in feedback.items()}

    def pages(self, cursor: str | None) -> Iterator[VerdictPage]:
        """Yield pages of verdicts, feedback after feedback, from where `cursor` says. Raises SourceFailed."""
        for page in read_all(self._readers, cursor):
            rows = [(record.key, record.data) for record in page.records]
            verdicts, faults = self._judges[page.records[0].kind].read(rows) if rows else ((), ())
            yield VerdictPage(verdicts, page.cursor, (*page.faults, *faults))
