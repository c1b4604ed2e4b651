"""Decides what an error of a disk or an SFTP server means to the hub."""

from __future__ import annotations

import errno
import socket
import sys
from enum import StrEnum

from hub.errors import Failure, Misconfigured, Retryable, SourceFailed


class UnreadableName(OSError):
    """A directory cannot be listed because of a file's name; paramiko reads UTF-8 names only."""


class Trouble(StrEnum):
    """What is wrong with the place the files lie in."""

    UNREACHABLE = "the server cannot be reached"
    UNRESOLVED = "the server's name cannot be resolved"
    REFUSED = "the server refuses our user, password or key"
    STRANGER = "the server's key is not the known one"
    MISSING = "the directory does not exist"
    FORBIDDEN = "the operation is not permitted"
    FULL = "no space is left"
    NAMES = "a file over there has a name that is not UTF-8"
    OTHER = "the operation failed"


_BY_NUMBER = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), Trouble.FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.EISDIR), Trouble.FORBIDDEN),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), Trouble.MISSING),
    **dict.fromkeys(
        (errno.ESTALE, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED), Trouble.UNREACHABLE
    ),
}
_DELIVERY: dict[Trouble, tuple[str, type[Failure]]] = {
    Trouble.UNREACHABLE: ("HUB-D-101", Retryable),
    Trouble.UNRESOLVED: ("HUB-D-102", Retryable),
    Trouble.FULL: ("HUB-D-401", Retryable),
    Trouble.FORBIDDEN: ("HUB-D-402", Misconfigured),
    Trouble.MISSING: ("HUB-D-403", Misconfigured),
    Trouble.OTHER: ("HUB-D-404", Retryable),
    Trouble.STRANGER: ("HUB-D-405", Misconfigured),
    Trouble.REFUSED: ("HUB-D-407", Misconfigured),
    Trouble.NAMES: ("HUB-D-408", Misconfigured),
}
_SOURCE: dict[Trouble, tuple[str, bool]] = {
    Trouble.UNREACHABLE: ("HUB-S-201", False),
    Trouble.UNRESOLVED: ("HUB-S-201", False),
    Trouble.REFUSED: ("HUB-S-202", True),
    Trouble.STRANGER: ("HUB-S-202", True),
    Trouble.MISSING: ("HUB-S-203", True),
    Trouble.FORBIDDEN: ("HUB-S-204", True),
    Trouble.FULL: ("HUB-S-205", False),
    Trouble.OTHER: ("HUB-S-205", False),
    Trouble.NAMES: ("HUB-S-209", True),
}
#: Nothing is known of whether the operation happened: the connection broke or the server said only «failure».
UNCERTAIN = frozenset({Trouble.UNREACHABLE, Trouble.OTHER})


def errors() -> tuple[type[BaseException], ...]:
    """Return the exception classes a disk or an SFTP server may raise. Everything else is a bug and escapes."""
    ssh = sys.modules.get("paramiko")
    return (OSError, EOFError, ssh.SSHException, ssh.SFTPError) if ssh else (OSError, EOFError)


def trouble_of(error: BaseException) -> Trouble:
    """Return what an exception of `errors()` means."""
    if (known := _of_ssh(error)) is not None:
        return known
    if isinstance(error, UnreadableName):
        return Trouble.NAMES
    if isinstance(error, socket.gaierror):
        return Trouble.UNRESOLVED
    number = error.errno if isinstance(error, OSError) else None
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if isinstance(error, ConnectionError | TimeoutError | EOFError):
        return Trouble.UNREACHABLE
    return Trouble.OTHER


def _of_ssh(error: BaseException) -> Trouble | None:
    ssh = sys.modules.get("paramiko")
    if ssh is None:
        return None
    stranger = (ssh.BadHostKeyException, ssh.ssh_exception.IncompatiblePeer)
    if isinstance(error, stranger) or (isinstance(error, ssh.SSHException) and "not found in known_hosts" in str(error)):
        return Trouble.STRANGER
    if isinstance(error, ssh.AuthenticationException):
        return Trouble.REFUSED
    if isinstance(error, ssh.SSHException | ssh.SFTPError | ssh.ssh_exception.NoValidConnectionsError):
        return Trouble.UNREACHABLE
    return None


def failure(error: BaseException, doing: str) -> Failure:
    """Return the outcome of a delivery that met this error. `doing` names the place, never the data."""
    trouble = trouble_of(error)
    code, kind = _DELIVERY[trouble]
    return kind(code, f"{doing}: {trouble.value}", said=_said(error))


def source_failed(error: BaseException, doing: str) -> SourceFailed:
    """Return the same for a source."""
    trouble = trouble_of(error)
    code, misconfigured = _SOURCE[trouble]
    return SourceFailed(code, f"{doing}: {trouble.value} ({_said(error)})", misconfigured=misconfigured)


def _said(error: BaseException) -> str:
    """Return the system's words without the path, which may hold a case number."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return str(reason) or type(error).__name__
