"""Decides how the HTTP twins speak on the wire: keep-alive HTTP/1.1 as small as it can be, and every way of breaking it.

One thread runs one event loop for all twins of a sandbox. An ordinary server refuses to misbehave on purpose (a reset after the
message was taken, an answer without end), hence these two hundred lines.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Thread
from typing import Protocol

from hub.sandbox.faults import TAKEN, FaultKind, FaultPlan

#: Larger requests are answered 413.
MAX_BODY = 64 * 1024 * 1024
_HTML = "<!DOCTYPE html><html><head><title>系统维护</title></head><body><h1>系统维护中，请稍后再试</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Site(Protocol):
    """What answers at an address. `answer` runs on the event loop: it must not block."""

    plan: FaultPlan

    def answer(self, request: Request, fault: FaultKind | None) -> Answer: ...  # LATE_REJECTION is the site's to carry out
    def came(self, request: Request) -> bool: ...  # counts the request; may it meet a fault?
    def refusal(self, kind: FaultKind, request: Request) -> Answer: ...  # BUSY, REFUSAL, SOAP_FAULT, in the site's dialect


class Host:
    """A thread that serves sites until stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._open: set[_Connection] = set()
        self._thread.start()

    def listen(self, site: Site, port: int = 0, host: str = "127.0.0.1") -> int:
        """Serve `site` on `host:port` (0: any free one) and return the port. Raises OSError when the port is taken."""
        return asyncio.run_coroutine_threadsafe(self._listen(site, host, port), self._loop).result()

    async def _listen(self, site: Site, host: str, port: int) -> int:
        server = await self._loop.create_server(lambda: _Connection(site, self._open), host, port, backlog=512)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Close every connection and end the thread; may be called twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        for server in self._servers:
            deafen(server)
        if accepting := asyncio.all_tasks() - {asyncio.current_task()}:  # somebody connected a moment before: not open yet
            await asyncio.wait(accepting)
        for server in self._servers:
            server.close()
        for connection in list(self._open):
            connection.abort()
        while self._open:  # a socket is closed on the turn after its connection is aborted
            await asyncio.sleep(0)


def deafen(server: asyncio.Server) -> None:
    """Accept nobody more. The server is closed only once those half accepted are open: else asyncio forgets to hang up on them."""
    for listening in server.sockets:
        server.get_loop().remove_reader(listening.fileno())


class _Connection(asyncio.Protocol):
    """One client's connection: a request at a time, answered in order."""

    def __init__(self, site: Site, open_ones: set[_Connection]) -> None:
        self._site, self._open_ones = site, open_ones
        self._buffer = bytearray()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._transport.abort()

    def _go_on(self) -> None:
        while not self._busy and not self._transport.is_closing():
            request = self._next_request()
            if request is None:
                return
            self._serve(request)

    def _next_request(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size, words = headers.get("content-length", "0"), first.split(" ")
        if status := _unfit(words, size, headers):
            self._write(Answer(status, b"", "text/plain"))
            self._transport.close()
            return None
        stop = end + 4 + int(size)
        if len(self._buffer) < stop:
            return None
        body = bytes(self._buffer[end + 4 : stop])
        del self._buffer[:stop]
        path, _, query = words[1].partition("?")
        return Request(words[0], path, query, headers, body)

    def _serve(self, request: Request) -> None:
        site = self._site
        fault = site.plan.next() if site.came(request) else None
        if fault is None or fault is FaultKind.LATE_REJECTION:
            self._write(site.answer(request, fault))
        elif fault in TAKEN:
            self._misbehave(fault, site.answer(request, None))
        elif fault is FaultKind.RESET_BEFORE:
            self._reset()
        else:
            self._write(_refused(site, fault, request))

    def _misbehave(self, fault: FaultKind, answer: Answer) -> None:
        self._busy = True
        loop, plan = asyncio.get_running_loop(), self._site.plan
        if fault is FaultKind.SLOW:
            self._timer = loop.call_later(plan.delay, self._late, answer)
        elif fault is FaultKind.TIMEOUT_AFTER:
            self._timer = loop.call_later(plan.hang, self._transport.abort)
        elif fault is FaultKind.RESET_AFTER:
            self._reset()
        elif fault is FaultKind.ENDLESS:
            self._write(Answer(200, b"", answer.content_type, {"Content-Length": str(10**12)}))
            self._drip(loop.time() + plan.hang)
        else:
            self._late(_page(502))

    def _late(self, answer: Answer) -> None:
        self._busy = False
        self._write(answer)
        self._go_on()

    def _drip(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        if self._transport.is_closing() or loop.time() > until:
            return self._transport.abort()
        if self._transport.get_write_buffer_size() < 1_000_000:
            self._transport.write(b" " * 65_536)
        self._timer = loop.call_later(0.01, self._drip, until)
        return None

    def _reset(self) -> None:
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _write(self, answer: Answer) -> None:
        lengths = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**lengths, **answer.headers}.items())
        head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n{lines}\r\n"
        self._transport.write(head.encode("latin-1") + answer.body)


def _unfit(words: list[str], size: str, headers: Mapping[str, str]) -> int:
    """Return the status for a request this server cannot read, 0 for one it can."""
    if len(words) != 3 or not size.isdecimal():
        return 400
    if "transfer-encoding" in headers:
        return 411
    return 413 if int(size) > MAX_BODY else 0


def _page(status: int) -> Answer:
    return Answer(status, _HTML.encode(), "text/html; charset=utf-8")


def _refused(site: Site, fault: FaultKind, request: Request) -> Answer:
    if fault is FaultKind.TOO_MANY:
        return Answer(429, "请求过于频繁".encode(), "text/plain; charset=utf-8", {"Retry-After": str(site.plan.retry_after)})
    if fault in (FaultKind.HTML_200, FaultKind.HTML_503):
        return _page(200 if fault is FaultKind.HTML_200 else 503)
    if fault in (FaultKind.ERROR_500, FaultKind.ERROR_503):
        return Answer(500 if fault is FaultKind.ERROR_500 else 503, "服务暂不可用".encode(), "text/plain; charset=utf-8")
    return site.refusal(fault, request)
