"""A real HTTP server for tests: keeps what it gets, answers as told, and misbehaves on the wire on demand."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    sender: str  # the address it came from

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def form(self, charset: str = "utf-8") -> dict[str, str]:
        parsed = parse_qs(self.body.decode("ascii"), keep_blank_values=True, encoding=charset, errors="strict")
        return {name: values[0] for name, values in parsed.items()}


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b'{"code":0}'
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


Wire = Callable[[socket.socket, threading.Event], None]
Answering = Callable[[Received], "Reply | Wire"]


def said(value: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON reply."""
    return Reply(status, json.dumps(value, ensure_ascii=False).encode(), {k.replace("_", "-"): v for k, v in headers.items()})


def page(status: int, title: str = "系统维护中") -> Reply:
    """Return an HTML page, as gateways send them."""
    html = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(status, html.encode(), content_type="text/html; charset=utf-8")


def reset(connection: socket.socket, stop: threading.Event) -> None:
    """Hang up with a reset, without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silence(connection: socket.socket, stop: threading.Event) -> None:
    """Never answer."""
    stop.wait(60)


def truncated(connection: socket.socket, stop: threading.Event) -> None:
    """Promise more than is sent, then hang up."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"code":')
    connection.shutdown(socket.SHUT_RDWR)


def dripped_headers(connection: socket.socket, stop: threading.Event) -> None:
    """Send headers one by one, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    _drip(connection, stop, b"X: y\r\n")


def dripped_body(connection: socket.socket, stop: threading.Event) -> None:
    """Send a body byte by byte, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    _drip(connection, stop, b" ")


def _drip(connection: socket.socket, stop: threading.Event, piece: bytes) -> None:
    with contextlib.suppress(OSError):
        while not stop.wait(0.02):
            connection.sendall(piece)


def flood(connection: socket.socket, stop: threading.Event) -> None:
    """Send a body without end, as fast as it is taken."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    with contextlib.suppress(OSError):
        while not stop.is_set():
            connection.sendall(b" " * 65536)


class Peer:
    """The server. `answer` decides each reply; `received` keeps every request that came in whole."""

    def __init__(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.received: list[Received] = []
        self.answer: Answering = lambda request: Reply()
        self.stop = threading.Event()
        self._context, self._host = context, host
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.come_back()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://localhost:{self.port}"

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.go_down()

    def keep(self, request: Received) -> None:
        with self._lock:
            self.received.append(request)

    def connections(self) -> list[socket.socket]:
        """Return the connections that are open now."""
        return list(self._server.open) if self._server else []

    def come_back(self) -> None:
        self.stop.clear()
        self._server = _Server((self._host, self.port), self)
        self.port = self._server.server_address[1]
        if self._context is not None:
            self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def go_down(self) -> None:
        """Stop listening and hang up on everybody; twice is fine."""
        if self._server is None:
            return
        self.stop.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join(10)
        self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], peer: Peer) -> None:
        self.peer = peer
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handling)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what these tests are about."""


class _Handling(BaseHTTPRequestHandler):
    server: _Server

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.close_connection = True
        super().handle_one_request()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def _any(self) -> None:
        peer = self.server.peer
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.command, self.path, headers, body, self.client_address[0])
        reply = peer.answer(request)
        peer.keep(request)
        if isinstance(reply, Reply):
            self._reply(reply)
        else:
            self.close_connection = True
            reply(self.connection, peer.stop)

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None: ...
