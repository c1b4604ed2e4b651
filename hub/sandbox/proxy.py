"""Decides how a network between hub and far side misbehaves: a TCP proxy that delays, swallows, cuts and refuses on demand.

For faults no server can throw itself: a database whose connection breaks in the middle of a commit, a link that goes silent.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread
from types import TracebackType

from hub.sandbox.web import deafen


class Swallow(StrEnum):
    """What the proxy keeps to itself while the connection stays open."""

    NOTHING = "nothing"
    ANSWERS = "answers"  # requests arrive, answers do not: in doubt
    ALL = "all"  # a black hole


@dataclass(slots=True)
class Weather:
    """How the network is now; change it at any time. Byte counts run per connection.

    `delay` (s) is added to every chunk, both ways. `reset_requests_after` and `reset_answers_after` cut a connection hard once that
    many bytes went that way. `refuse` closes new connections at once.
    """

    delay: float = 0.0
    swallow: Swallow = Swallow.NOTHING
    reset_requests_after: int | None = None
    reset_answers_after: int | None = None
    refuse: bool = False


class Proxy:
    """A TCP proxy to `host:port`, on a thread of its own. Use as a context manager, or call start and stop."""

    def __init__(self, host: str, port: int) -> None:
        self.weather = Weather()
        self.port = 0
        self.connections = 0  # ever made
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> int:
        """Listen on a free port of 127.0.0.1 and return it."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self.port

    def stop(self) -> None:
        """Close everything; may be called twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every open connection now."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        deafen(self._server)
        await self._cut()
        pending = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
        if pending:  # asyncio logs a traceback for a connection's task that is cancelled: let them end by themselves first
            _, pending = await asyncio.wait(pending, timeout=1)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        self._server.close()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.weather.refuse:
            return _reset(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return _reset(writer)
        self._writers |= {writer, far_writer}
        pipes = [
            asyncio.ensure_future(self._pipe(reader, far_writer, answers=False)),
            asyncio.ensure_future(self._pipe(far_reader, writer, answers=True)),
        ]
        _, open_pipes = await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for pipe in open_pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
        for one in (writer, far_writer):
            one.close()
        self._writers -= {writer, far_writer}
        return None

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        passed = 0
        while chunk := await reader.read(65_536):
            weather = self.weather
            if weather.delay:
                await asyncio.sleep(weather.delay)
            if weather.swallow is Swallow.ALL or (answers and weather.swallow is Swallow.ANSWERS):
                continue
            limit = weather.reset_answers_after if answers else weather.reset_requests_after
            if limit is not None and passed + len(chunk) > limit:
                writer.write(chunk[: max(limit - passed, 0)])
                await writer.drain()
                return await self._cut()
            writer.write(chunk)
            await writer.drain()
            passed += len(chunk)
        return None


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
