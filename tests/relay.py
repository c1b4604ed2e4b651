"""A TCP relay between an adapter and a real server, which can go down, come back, or lose an answer on the way."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock, Thread

import pytest
import sqlalchemy as sa


class Relay:
    """Relays 127.0.0.1:port to a server. `lose_answer_to`: bytes of a request after which the answer never arrives."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._muted: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.lose_answer_to: bytes | None = None
        self.port = 0
        self.come_back()

    def come_back(self) -> None:
        """Listen (again), on the same port."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
            self.port = self._listener.getsockname()[1]
            Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go_down(self) -> None:
        """Refuse new connections and cut the open ones."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for one in self._open:
                _cut(one)
            self._open = []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with self._lock:
                    self._open.append(client)
                server = socket.create_connection(self._server)
                with self._lock:
                    self._open.append(server)
                    gone = self._listener is not listener
                if gone:  # it went down meanwhile, and cut what it knew of
                    _cut(client)
                    _cut(server)
                    return
                Thread(target=self._pump, args=(client, server, True), daemon=True).start()
                Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, requests: bool) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                if requests and self.lose_answer_to and self.lose_answer_to in block:
                    self._last_words(target, block)
                    return
                if source not in self._muted:
                    target.sendall(block)
        _cut(source)
        _cut(target)

    def _last_words(self, server: socket.socket, block: bytes) -> None:
        """Let the request reach the server and nothing come back; the client is cut off once the server is done and hangs up."""
        self.lose_answer_to = None
        self._muted.add(server)
        server.sendall(block)
        server.shutdown(socket.SHUT_WR)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def relayed(url: str) -> tuple[Relay, str]:
    """Return a relay to the URL's server, and the URL that goes through it. Skips for a server that is reached without TCP."""
    parsed = sa.make_url(url)
    if not parsed.host or not parsed.port:
        pytest.skip("this server is reached over a local socket, which cannot be relayed")
    relay = Relay(parsed.host, parsed.port)
    return relay, parsed.set(host="127.0.0.1", port=relay.port).render_as_string(hide_password=False)
