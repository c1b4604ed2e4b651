"""Decides what far sides of the benchmarks do: say yes to everything, at once or after a while, and count.

The REST one is a process of its own: it reads a request, counts the rows in it, waits, and says 200. `Taking` is an adapter inside
the hub's process that takes whole batches at once, for what is not to be blurred by a far side at all.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import httpx

from hub.model import Guarantees, Message, Receipt
from hub.ports import Options

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
_TAKEN = _OK % (14, b'{"code":"200"}')
#: What every row of the benchmarks has once.
_MARK = b'"row_guid"'


class Seen(NamedTuple):
    """What the REST far side saw so far; times are seconds since 1970, 0 before the first request."""

    calls: int
    rows: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class FarSide:
    """A running REST far side."""

    url: str

    def seen(self) -> Seen:
        """Ask it what it saw."""
        return Seen(**httpx.get(f"{self.url}/seen").json())


@contextmanager
def far_side(seconds: float = 0.0) -> Iterator[FarSide]:
    """Run a REST far side that takes so long for a call."""
    spawning = multiprocessing.get_context("spawn")
    mine, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(theirs, seconds), daemon=True)
    process.start()
    theirs.close()  # a process that dies is noticed
    try:
        yield FarSide(f"http://127.0.0.1:{mine.recv()}")
    finally:
        process.terminate()
        process.join()


class _Counting:
    """Answers on any number of connections."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._calls = self._rows = 0
        self._first = self._last = 0.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the caller hangs up."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    writer.write(self._told())
                    continue
                length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
                self._count(await reader.readexactly(length))
                if self._seconds:
                    await asyncio.sleep(self._seconds)
                writer.write(_TAKEN)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _count(self, body: bytes) -> None:
        self._calls += 1
        self._rows += body.count(_MARK)
        self._last = time.time()
        self._first = self._first or self._last

    def _told(self) -> bytes:
        told = f'{{"calls":{self._calls},"rows":{self._rows},"first":{self._first!r},"last":{self._last!r}}}'.encode()
        return _OK % (len(told), told)


def _serve(pipe: Connection, seconds: float) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_Counting(seconds).answer, "127.0.0.1", 0, limit=2**24)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


class TakingOptions(Options):
    """Options of `Taking`: batch is the most messages of a call."""

    batch: int = 500


class Taking:
    """A sink that takes everything at once and keeps nothing."""

    name = "taking"
    options = TakingOptions

    def __init__(self, options: TakingOptions, *, system: str) -> None:
        self._batch = options.batch

    def kinds(self) -> frozenset[str]:
        """It is no source."""
        return frozenset()

    def endpoints(self) -> frozenset[str]:
        """Return its one endpoint."""
        return frozenset({"accept"})

    def guarantees(self) -> Guarantees:
        """Return what it promises: whole batches, each message as often as one likes."""
        return Guarantees(idempotent=True, batch=self._batch)

    def send(self, messages: Sequence[Message]) -> list[Any]:
        """Take them."""
        return [Receipt()] * len(messages)

    def close(self) -> None:
        """Nothing is open."""
