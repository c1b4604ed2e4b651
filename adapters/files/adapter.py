"""Decides what a configured share of files can do: take deliveries, give records, or both."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import ClassVar

from adapters.files.collect import Inbox
from adapters.files.connect import share
from adapters.files.deliver import Drop
from adapters.files.options import FilesOptions
from adapters.files.share import Files
from adapters.files.trouble import errors, failure
from hub.model import Guarantees, Message, Page, Receipt
from hub.ports import Options, Outcome

#: Most messages in one send: their bodies are in memory together.
_BATCH = 500


class FilesAdapter:
    """CSV, JSON Lines, XML and XLSX files on a disk or an SFTP server."""

    name: ClassVar[str] = "files"
    options: ClassVar[type[Options]] = FilesOptions

    def __init__(self, options: FilesOptions, *, system: str) -> None:
        self._options = options
        self._system = system
        self._share = share(options)
        self._drop = Drop(self._share, options.endpoints)
        self._inbox = Inbox(self._share, options.feeds, time.time)

    def guarantees(self) -> Guarantees:
        """Say what holds for every endpoint: files named by message repeat themselves, files of a window do not."""
        endpoints = self._options.endpoints.values()
        return Guarantees(
            idempotent=all(endpoint.per == "message" and endpoint.proof != "none" for endpoint in endpoints),
            findable=all(endpoint.proof != "none" for endpoint in endpoints),
            ordered_batch=True,
            batch=_BATCH,
            in_flight=4,
        )

    def endpoints(self) -> frozenset[str]:
        """Return the names under `endpoints`."""
        return frozenset(self._options.endpoints)

    def kinds(self) -> frozenset[str]:
        """Return the names under `feeds`."""
        return frozenset(self._options.feeds)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Publish messages as files; see `Drop`."""
        return self._drop.send(messages)

    def find(self, message: Message) -> Receipt | None:
        """Settle a message in doubt; see `Drop`."""
        return self._drop.find(message)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the records of complete files; see `Inbox`."""
        return self._inbox.read(cursor)

    def check(self) -> None:
        """Look into every feed's directory, and, when files are to be written, write one and delete it at once."""
        try:
            with self._share.lease() as files:
                for feed in self._options.feeds.values():
                    files.list(feed.directory)
                if self._options.endpoints:
                    _probe(files)
        except errors() as error:
            raise failure(error, f"system {self._system} in {self._share.name}") from error

    def close(self) -> None:
        """Hang up."""
        self._share.close()


def _probe(files: Files) -> None:
    files.list(".")
    files.remove(files.write_beside(f"hub-check-{secrets.token_hex(4)}", b"hub check"))
