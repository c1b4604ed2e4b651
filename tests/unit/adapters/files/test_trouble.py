"""Errors of disks and SFTP servers, and what the hub must do about each."""

from __future__ import annotations

import errno
import os
import socket

import paramiko
import pytest

from adapters.files.trouble import failure, source_failed
from hub.errors import Failure, Misconfigured, Retryable


@pytest.mark.parametrize(
    ("error", "kind", "code", "read_code"),
    [
        (OSError(errno.ENOSPC, "x"), Retryable, "HUB-D-401", "HUB-S-205"),
        (OSError(errno.EDQUOT, "x"), Retryable, "HUB-D-401", "HUB-S-205"),
        (PermissionError(errno.EACCES, "x"), Misconfigured, "HUB-D-402", "HUB-S-204"),
        (OSError(errno.EROFS, "x"), Misconfigured, "HUB-D-402", "HUB-S-204"),
        (FileNotFoundError(errno.ENOENT, "x"), Misconfigured, "HUB-D-403", "HUB-S-203"),
        (NotADirectoryError(errno.ENOTDIR, "x"), Misconfigured, "HUB-D-403", "HUB-S-203"),
        (OSError(errno.EIO, "x"), Retryable, "HUB-D-404", "HUB-S-205"),
        (OSError("Failure"), Retryable, "HUB-D-404", "HUB-S-205"),
        (OSError(errno.ESTALE, "x"), Retryable, "HUB-D-101", "HUB-S-201"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Retryable, "HUB-D-101", "HUB-S-201"),
        (ConnectionResetError(errno.ECONNRESET, "x"), Retryable, "HUB-D-101", "HUB-S-201"),
        (TimeoutError(), Retryable, "HUB-D-101", "HUB-S-201"),
        (EOFError(), Retryable, "HUB-D-101", "HUB-S-201"),
        (paramiko.SSHException("x"), Retryable, "HUB-D-101", "HUB-S-201"),
        (paramiko.SFTPError("x"), Retryable, "HUB-D-101", "HUB-S-201"),
        (socket.gaierror(-2, "x"), Retryable, "HUB-D-102", "HUB-S-201"),
        (paramiko.AuthenticationException("x"), Misconfigured, "HUB-D-407", "HUB-S-202"),
        (paramiko.ssh_exception.IncompatiblePeer("x"), Misconfigured, "HUB-D-405", "HUB-S-202"),
    ],
)
def test_an_error_names_who_must_act(error: Exception, kind: type[Failure], code: str, read_code: str) -> None:
    delivery = failure(error, "endpoint accept")
    assert (type(delivery), delivery.code) == (kind, code)
    reading = source_failed(error, "directory in")
    assert (reading.code, reading.misconfigured) == (read_code, kind is Misconfigured)


def test_the_path_is_not_told() -> None:
    """A file's name holds the case number, and often more."""
    try:
        os.stat("/nowhere/王小明-621125198001010012.csv")  # noqa: PTH116 - the error of the system itself
    except OSError as error:
        told = failure(error, "endpoint accept")
    assert "王小明" not in f"{told} {told!r} {told.said}"
