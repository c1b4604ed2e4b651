"""Decides how the share of a configuration is opened: a directory, or an SFTP server whose key is the known one."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from adapters.files.options import FilesOptions, Sftp
from adapters.files.share import Files, Share


def share(options: FilesOptions) -> Share:
    """Return the share the options name; opens nothing. Raises ValueError when SFTP is asked for and paramiko is missing."""
    if options.sftp is not None:
        return Share(f"sftp://{options.sftp.host}:{options.sftp.port}", _over_sftp(options.sftp))
    root = str(Path(options.directory or ".").absolute())
    return Share(root, lambda: Files(LocalFileSystem(skip_instance_cache=True), root, local=True))


def _over_sftp(options: Sftp) -> Callable[[], Files]:
    if importlib.util.find_spec("paramiko") is None:
        raise ValueError("sftp needs paramiko: pip install 'gansu-exchange-hub[sftp]'")

    def connect() -> Files:
        # Imported on first use: paramiko takes a third of a second.
        from fsspec.implementations.sftp import SFTPFileSystem

        class KnownServer(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
            """fsspec's SFTP over a connection that was checked: its own accepts any server."""

            def _connect(self) -> None:
                self.client = _client(options)
                self.ftp = self.client.open_sftp()
                self.ftp.get_channel().settimeout(options.timeout)

        return Files(KnownServer(options.host, skip_instance_cache=True), options.directory, local=False)

    return connect


def _client(options: Sftp) -> Any:
    import paramiko

    client = paramiko.SSHClient()
    try:
        _know(client, options)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            options.host,
            options.port,
            options.user,
            password=options.password.get_secret_value() if options.password else None,
            key_filename=str(options.key) if options.key else None,
            passphrase=options.passphrase.get_secret_value() if options.passphrase else None,
            timeout=options.timeout,
            banner_timeout=options.timeout,
            auth_timeout=options.timeout,
            channel_timeout=options.timeout,
            allow_agent=False,
            look_for_keys=False,
        )
    except BaseException:
        client.close()
        raise
    return client


def _know(client: Any, options: Sftp) -> None:
    """Tell the client which key the server has."""
    import paramiko

    if options.known_hosts is not None:
        client.load_host_keys(str(options.known_hosts))
    if options.host_key is not None:
        kind, encoded = options.host_key.split()[:2]
        name = options.host if options.port == 22 else f"[{options.host}]:{options.port}"
        client.get_host_keys().add(name, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(encoded)))
