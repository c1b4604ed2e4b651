"""Decides how bytes go to an HTTP address and come back, and what it means when they do not; the one user of httpx."""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

import httpx
from pydantic import Field
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from adapters.kit.answer import Answer
from adapters.kit.fields import Seconds
from adapters.kit.lines import Lines, NoneFree
from adapters.kit.tls import Tls, address, reach, tls_context, tls_reason
from adapters.kit.wire import Backend, Deadline
from hub.errors import Failure, InDoubt, Misconfigured, Retryable
from hub.ports import Options

#: Header names and values as bytes, ready for the wire.
Headers = Sequence[tuple[bytes, bytes]]

_LATE_REFUSALS = ("ALERT_CERTIFICATE", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_HANDSHAKE", "ALERT_ACCESS_DENIED")
#: Seconds an idle connection is kept: less than servers do (2 s at the least), for what meets their closing is in doubt.
_IDLE = 1.5
_OUR_HEADERS = {"user-agent": "gansu-exchange-hub", "accept": "*/*", "accept-encoding": "identity"}


class Timeouts(Options):
    """Seconds for: reaching the far side, its silence, our writing, waiting for a free connection, the whole exchange."""

    connect: Seconds = 5.0
    read: Seconds = 30.0
    write: Seconds = 30.0
    pool: Seconds = 30.0
    total: Seconds = 120.0


class HttpOptions(Options):
    """What every adapter over HTTP can be told; inherit it."""

    timeouts: Timeouts = Timeouts()
    tls: Tls = Tls()
    in_flight: int = Field(default=4, ge=1, le=256, description="most requests at once")
    largest_answer: int = Field(default=10 * 1024 * 1024, ge=1024, description="bytes; a longer answer is cut off")
    connect_tries: int = Field(default=3, ge=1, le=10, description="tries to connect inside one attempt")
    proxy: str | None = Field(default=None, description="http://host:port; the environment's proxies are never used")


def headers(named: Mapping[str, str]) -> Headers:
    """Return headers ready for the wire, our own defaults added; build once and keep. Raises ValueError on an unusable value."""
    names = {name.lower() for name in named}
    ours = {name: value for name, value in _OUR_HEADERS.items() if name not in names}
    return [header(name, value) for name, value in {**ours, **named}.items()]


def header(name: str, value: str) -> tuple[bytes, bytes]:
    """Return one header ready for the wire; raises ValueError when it holds a line break or a character beyond ISO 8859-1."""
    if any(letter in value for letter in "\r\n\0"):
        raise ValueError(f"header {name} would hold a line break")
    return name.encode("ascii"), value.strip().encode("latin-1")


class _Unconnected(Exception):
    """No connection was made, nothing was sent: trying again is safe."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Http:
    """One far side's connections, opened at first use and kept. Safe to use from several threads.

    Speaks HTTP/1.1 through httpx's transport itself: no cookies, no redirects, no environment, no log line with an address.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._deadline = Deadline()
        self._lines = Lines(lambda: _line(options, self._tls, self._deadline), options.in_flight)
        waits = options.timeouts
        self._extensions = {"timeout": {"connect": waits.connect, "read": waits.read, "write": waits.write}}
        self._again = Retrying(
            stop=stop_after_attempt(max_attempt_number=options.connect_tries),
            wait=wait_random_exponential(multiplier=0.1, max=2.0),
            retry=retry_if_exception_type(exception_types=_Unconnected),
            reraise=True,
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """What all connections share: the certificate files are read for the first of them."""
        return tls_context(self._options.tls)

    def post(self, url: str, content: bytes, headers: Headers = (), *, total: float | None = None) -> Answer:
        """POST bytes and return the whole answer, whatever its status; raise a Failure when there is none."""
        return self.request("POST", url, content=content, headers=headers, total=total)

    def request(self, method: str, url: str, *, content: bytes = b"", headers: Headers = (), total: float | None = None) -> Answer:
        """Send one request and return the whole answer, whatever its status.

        Raises Retryable when nothing was sent (HUB-D-101, 102), Misconfigured on TLS and address errors (103, 111), InDoubt when
        bytes had left and no whole answer came (104, 105, 116), Deferred from `go_ahead`. Only connecting is tried again. `total`:
        seconds for all of it.
        """
        request = _request(method, url, content, headers, self._extensions)
        self._deadline.begin(total or self._options.timeouts.total)
        try:
            try:
                return self._exchange(request)
            except _Unconnected:
                if self._options.connect_tries == 1:
                    raise
                return self._again.copy()(self._exchange, request)
        except _Unconnected as error:
            raise error.failure from error.__cause__

    def close(self) -> None:
        """Close all connections; may be called twice."""
        for line in self._lines.made():
            line.close()

    def reach(self, url: str) -> None:
        """Open a connection, shake hands if it is https, send nothing. Raises what `request` raises before anything was sent."""
        reach(self._options.proxy or url, self._options.tls, self._options.timeouts.connect)

    def _exchange(self, request: httpx.Request) -> Answer:
        try:
            with self._lines.one(self._deadline.left(self._options.timeouts.pool)) as line:
                if self._deadline.passed:  # what is written now would be in doubt, and nothing of it has left
                    raise NoneFree
                return self._exchange_on(line, request)
        except NoneFree as error:
            raise Retryable("HUB-D-101", "no connection came free in time") from error

    def _exchange_on(self, line: httpx.HTTPTransport, request: httpx.Request) -> Answer:
        try:
            response = line.handle_request(request)
        except httpx.RequestError as error:
            raise _understood(error) from error
        try:
            return Answer(response.status_code, response.headers, self._body(response))
        except httpx.RequestError as error:
            if self._deadline.passed:
                raise _never_ends() from error
            raise _understood(error) from error
        finally:
            response.close()

    def _body(self, response: httpx.Response) -> bytes:
        """Read the body, no more of it than allowed and no longer than allowed."""
        limit, chunks, size = self._options.largest_answer, [], 0
        for chunk in response.iter_raw():
            size += len(chunk)
            chunks.append(chunk)
            if size > limit:
                raise _too_large(limit)
            if self._deadline.passed:
                raise _never_ends()
        coding = response.headers.get("content-encoding", "identity")
        return b"".join(chunks) if coding == "identity" else _inflated(chunks, coding, limit)


def _line(options: HttpOptions, tls: ssl.SSLContext, deadline: Deadline) -> httpx.HTTPTransport:
    """Return what keeps one connection.

    Threads never share one: a pool of httpx closes, now and then, a connection that another thread has just begun to use.
    """
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE)
    transport = httpx.HTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=options.proxy)
    # httpx has no public way to hand its pool a network backend; httpx is pinned, and a test drips headers to prove this holds.
    transport._pool._network_backend = Backend(deadline)
    return transport


def _request(method: str, url: str, content: bytes, headers: Headers, extensions: Mapping[str, object]) -> httpx.Request:
    try:
        return httpx.Request(method, _url(url), headers=list(headers), content=content, extensions=dict(extensions))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Misconfigured("HUB-D-111", "the address is no usable http or https address") from error


@lru_cache(maxsize=512)
def _url(text: str) -> httpx.URL:
    address(text)
    return httpx.URL(text)


def _understood(error: httpx.RequestError) -> Failure | _Unconnected:
    """Return what a failed exchange means. Pairs with the facts of RFC 9110 §9.2.2: what left may have been acted on."""
    causes = list(_causes(error))
    unconnected = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    if any(_is_tls_refusal(cause, unconnected) for cause in causes):
        return Misconfigured("HUB-D-103", f"TLS failed: {tls_reason(causes)}")
    if unconnected:
        return _Unconnected(_unreachable(error, causes))
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.ProxyError):
        return Misconfigured("HUB-D-111", f"the request cannot be sent as configured: {type(error).__name__}")
    if isinstance(error, httpx.TimeoutException):
        return InDoubt("HUB-D-104", "the request left, no whole answer came in time")
    return InDoubt("HUB-D-105", f"the connection broke after sending: {type(error).__name__}")


def _is_tls_refusal(cause: BaseException, unconnected: bool) -> bool:
    """Whether the handshake was refused; TLS 1.3 refuses a client certificate by an alert after our first bytes left."""
    if not isinstance(cause, ssl.SSLError) or isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return False
    return unconnected or any(word in (cause.reason or "") for word in _LATE_REFUSALS)


def _unreachable(error: httpx.RequestError, causes: list[BaseException]) -> Failure:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Retryable("HUB-D-102", "the host name cannot be resolved")
    late = isinstance(error, httpx.ConnectTimeout)
    reason = "no connection in time" if late else _system_reason(causes)
    return Retryable("HUB-D-101", f"cannot connect: {reason}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _system_reason(causes: list[BaseException]) -> str:
    return next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), "refused")


def _too_large(limit: int) -> InDoubt:
    return InDoubt("HUB-D-116", f"the answer is longer than {limit} bytes", hint="raise largest_answer if that is right")


def _never_ends() -> InDoubt:
    return InDoubt("HUB-D-116", "the answer did not end in time", hint="raise timeouts.total if that is right")


def _inflated(chunks: list[bytes], coding: str, limit: int) -> bytes:
    """Undo gzip or deflate up to the limit; we never ask for it, some gateways do it anyway."""
    if coding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise InDoubt("HUB-D-117", f"the answer is encoded as {coding[:20]}, which was not asked for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = inflater.decompress(b"".join(chunks), limit + 1)
    except zlib.error as error:
        raise InDoubt("HUB-D-117", f"the answer is no readable {coding}") from error
    if len(body) > limit:
        raise _too_large(limit)
    return body
