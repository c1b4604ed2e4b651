"""Decides that no exchange outlasts its deadline, however slowly the far side drips: each wait gets what time is left."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from hub.ports import go_ahead


class Deadline(threading.local):
    """The moment (monotonic) at which this thread's exchange must be over, and whether anything of it has left."""

    ends: float = float("inf")
    left_home: bool = False

    def begin(self, seconds: float) -> None:
        """Begin an exchange that may last so long."""
        self.ends, self.left_home = time.monotonic() + seconds, False

    def leave(self) -> None:
        """Let something of the exchange leave. Raises what `go_ahead` does, if it is the first."""
        if not self.left_home:
            go_ahead()
            self.left_home = True

    def left(self, timeout: float | None) -> float:
        """Return the smaller of `timeout` and what is left, never zero (zero would mean «do not block»)."""
        rest = self.ends - time.monotonic()
        return max(0.001, rest if timeout is None else min(timeout, rest))

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.ends


class _Stream(httpcore.NetworkStream):
    """A connection whose waits are cut at the deadline of the thread that uses it."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.passed:
            raise httpcore.ReadTimeout("the exchange took too long")
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._deadline.passed:
            raise httpcore.WriteTimeout("the exchange took too long")
        self._deadline.leave()
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        self._deadline.left_home = False  # what left was for a proxy
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens connections whose waits are cut at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._inner.connect_tcp(host, port, self._deadline.left(timeout), local_address, socket_options)
        return _Stream(inner, self._deadline)
