"""A real SFTP server (asyncssh) in a thread, over a directory; it can go away and come back on the same port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "hub", "only-for-tests"


class _Server(asyncssh.SSHServer):
    def __init__(self, peer: SftpServer) -> None:
        self._peer = peer

    def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
        self._peer.connections.add(connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class SftpServer:
    """Serves `root` as "/". The switches make it refuse a rename or a listing, or break the connection right after one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = 0
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.refuse_rename = False
        self.refuse_listing = False
        self.hang_up_at_rename = False
        self.renames_before_hanging_up = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-server")
        self._thread.start()
        self._listener: asyncssh.SSHAcceptor | None = None
        self.come_back()

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def come_back(self) -> None:
        self._run(self._listen())

    def go_down(self) -> None:
        self._run(self._hang_up())

    def close(self) -> None:
        self.go_down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def is_last_rename(self) -> bool:
        self.renames_before_hanging_up -= 1
        return self.renames_before_hanging_up < 0

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        peer = self

        class Served(asyncssh.SFTPServer):
            def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
                self._connection = channel.get_connection()
                super().__init__(channel, chroot=str(peer.root).encode())

            def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
                if peer.refuse_listing:
                    raise asyncssh.SFTPPermissionDenied("not here")
                return super().scandir(path)

            def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
                if peer.refuse_rename:
                    raise asyncssh.SFTPPermissionDenied("not here")
                super().posix_rename(oldpath, newpath)
                if peer.hang_up_at_rename and peer.is_last_rename():
                    self._connection.abort()

        self._listener = await asyncssh.listen(
            "127.0.0.1", self.port, server_factory=lambda: _Server(self), server_host_keys=[self.key], sftp_factory=Served
        )
        self.port = self._listener.get_port()

    async def _hang_up(self) -> None:
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None
        for connection in self.connections:
            connection.abort()
        for connection in self.connections:
            await connection.wait_closed()
        self.connections.clear()
