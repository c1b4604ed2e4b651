"""Decides whom to trust over TLS and who to be, and whether an address can be reached at all."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

from pydantic import SecretStr

from hub.errors import Misconfigured, Retryable
from hub.ports import ConfigPath, Options

_PORTS = {"http": 80, "https": 443}


class Tls(Options):
    """What to trust and who to be: `ca` replaces the system's roots; `certificate` and `key` are PEM files for mutual TLS."""

    verify: bool = True
    ca: ConfigPath | None = None
    certificate: ConfigPath | None = None
    key: ConfigPath | None = None
    key_password: SecretStr | None = None


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the TLS settings; raises Misconfigured HUB-D-103 when a file is missing or no certificate."""
    try:
        context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.certificate is not None:
            password = tls.key_password.get_secret_value() if tls.key_password else None
            context.load_cert_chain(tls.certificate, tls.key, password)
    except (OSError, ValueError) as error:
        raise Misconfigured("HUB-D-103", f"the certificate files cannot be used: {type(error).__name__}") from error
    return context


def reach(url: str, tls: Tls, timeout: float) -> None:
    """Connect to the address, shake hands if it is https, send nothing and hang up.

    Raises Retryable (HUB-D-101, 102) when it cannot be reached, Misconfigured (HUB-D-103, 111) when TLS or the address is wrong.
    """
    scheme, host, port = address(url)
    try:
        with socket.create_connection((host, port), timeout) as plain:
            if scheme == "https":
                tls_context(tls).wrap_socket(plain, server_hostname=host).close()
    except ssl.SSLError as error:
        raise Misconfigured("HUB-D-103", f"TLS failed: {tls_reason([error])}") from error
    except socket.gaierror as error:
        raise Retryable("HUB-D-102", "the host name cannot be resolved") from error
    except OSError as error:
        raise Retryable("HUB-D-101", f"cannot connect: {error.strerror or 'no connection in time'}") from error


def address(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port; raises Misconfigured HUB-D-111 when it is no http or https address."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        host = None
    if not host:
        raise Misconfigured("HUB-D-111", "the address is no usable http or https address")
    return scheme, host, port


def tls_reason(causes: Iterable[BaseException]) -> str:
    """Return why a handshake failed, in OpenSSL's words."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return cause.reason.lower().replace("_", " ")
    return "handshake failed"
