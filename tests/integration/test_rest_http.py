"""What the wire can do to a request, and what each misbehaviour means (facts 101 to 118)."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.kit.answers import judge
from adapters.kit.http import Http, HttpOptions, header, headers
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Retryable
from tests.integration import http_peer
from tests.integration.http_peer import Peer, Reply, Wire, page


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


@pytest.fixture
def opened() -> Iterator[Any]:
    """Return a maker of clients that are closed afterwards."""
    made: list[Http] = []

    def make(**given: Any) -> Http:
        made.append(Http(HttpOptions.model_validate(given)))
        return made[-1]

    yield make
    for http in made:
        http.close()


def failing(http: Http, url: str, total: float | None = None) -> Failure:
    with pytest.raises(Failure) as caught:
        http.post(url, b"{}", headers({"content-type": "application/json"}), total=total)
    return caught.value


def test_an_answer_comes_back_whole(peer: Peer, opened: Any) -> None:
    peer.answer = lambda request: Reply(201, "受理".encode(), {"X-Number": "7"}, "text/plain; charset=utf-8")
    answer = opened().post(f"{peer.url}/a?b=c", b"body", headers({"X-One": "1"}))
    assert (answer.status, answer.text, answer.headers["x-number"]) == (201, "受理", "7")
    assert (peer.received[0].target, peer.received[0].body) == ("/a?b=c", b"body")
    assert peer.received[0].headers["x-one"] == "1"


def test_one_connection_is_kept(peer: Peer, opened: Any) -> None:
    ports: set[int] = set()
    http = opened()
    peer.answer = lambda request: Reply(200, str(len(peer.received)).encode())
    for _ in range(5):
        http.post(peer.url, b"")
        ports |= {connection.getpeername()[1] for connection in peer.connections()}
    assert len(ports) == 1


# --- nothing was sent ---


def test_nobody_listens(opened: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failure = failing(opened(), f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert (type(failure), failure.code) == (Retryable, "HUB-D-101")


def test_connecting_is_tried_again_inside_one_attempt(opened: Any) -> None:
    """A server that begins to listen between two tries is reached, without a second attempt of the hub."""
    peer = Peer()
    peer.go_down()
    back = threading.Timer(0.05, peer.come_back)
    back.start()
    try:
        assert opened(connect_tries=10).post(peer.url, b"").status == 200
    finally:
        back.join()
        peer.go_down()


def test_no_such_host(opened: Any) -> None:
    failure = failing(opened(connect_tries=1), "http://no-such-host.invalid/")
    assert (type(failure), failure.code) == (Retryable, "HUB-D-102")


@pytest.mark.parametrize("url", ["ftp://localhost/", "localhost/x", "http://", "http://[::1", "http://localhost:99999/"])
def test_no_usable_address(opened: Any, url: str) -> None:
    failure = failing(opened(connect_tries=1), url)
    assert (type(failure), failure.code) == (Misconfigured, "HUB-D-111")


@pytest.mark.parametrize("waits", [{"pool": "50ms", "read": "20s"}, {"pool": "30s", "read": "20s", "total": "300ms"}])
def test_no_connection_comes_free(peer: Peer, opened: Any, waits: dict[str, str]) -> None:
    """Nothing has left, so nothing is in doubt; nor is it waited for longer than the exchange may take."""
    http = opened(in_flight=1, timeouts=waits)
    arrived = threading.Event()

    def hold(connection: socket.socket, stop: threading.Event) -> None:
        arrived.set()
        stop.wait(20)

    peer.answer = lambda request: hold
    busy = threading.Thread(target=lambda: failing(http, peer.url, total=60))
    busy.start()
    assert arrived.wait(20)
    failure = failing(http, peer.url)
    peer.go_down()
    busy.join(20)
    assert (type(failure), failure.code) == (Retryable, "HUB-D-101")


def test_no_thread_loses_its_connection_to_another(peer: Peer, opened: Any) -> None:
    """Far more want one than there are: of a pool of httpx, every fiftieth request lost its own to another's, and was in doubt."""
    http = opened(in_flight=2)
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: http.post(peer.url, b"").status, range(400)))
    assert said == [200] * 400
    assert len(peer.received) == 400
    assert len(peer.connections()) <= 2


# --- the bytes had left ---


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (http_peer.reset, "HUB-D-105"),
        (http_peer.truncated, "HUB-D-105"),
        (http_peer.silence, "HUB-D-104"),
        (http_peer.dripped_headers, "HUB-D-104"),
        (http_peer.dripped_body, "HUB-D-116"),
        (http_peer.flood, "HUB-D-116"),
    ],
)
def test_what_left_is_in_doubt(peer: Peer, opened: Any, wire: Wire, code: str) -> None:
    """Silence meets the read time-out; drips never do, they meet the deadline; a flood meets the size limit."""
    peer.answer = lambda request: wire
    http = opened(timeouts={"read": "300ms", "total": "600ms"}, largest_answer=1_000_000)
    failure = failing(http, peer.url)
    assert (type(failure), failure.code) == (InDoubt, code)
    assert len(peer.received) == 1, "what may have arrived is never sent again"
    peer.answer = lambda request: Reply()
    assert http.post(peer.url, b"").status == 200


def test_a_flood_takes_no_memory(peer: Peer, opened: Any) -> None:
    peer.answer = lambda request: http_peer.flood
    http = opened(largest_answer=1_000_000)
    tracemalloc.start()
    try:
        failing(http, peer.url)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8_000_000


def test_a_compressed_bomb_is_cut_off(peer: Peer, opened: Any) -> None:
    bomb = zlib.compress(b" " * 50_000_000, 9)
    peer.answer = lambda request: Reply(200, bomb, {"Content-Encoding": "deflate"})
    failure = failing(opened(largest_answer=1_000_000), peer.url)
    assert (type(failure), failure.code) == (InDoubt, "HUB-D-116")


def test_compression_nobody_asked_for(peer: Peer, opened: Any) -> None:
    peer.answer = lambda request: Reply(200, gzip.compress(b'{"code":0}'), {"Content-Encoding": "gzip"})
    assert opened().post(peer.url, b"", headers({})).text == '{"code":0}'
    assert peer.received[0].headers["accept-encoding"] == "identity"
    for coding, body in (("gzip", b"no gzip"), ("br", b"x")):
        peer.answer = lambda request, coding=coding, body=body: Reply(200, body, {"Content-Encoding": coding})
        assert failing(opened(), peer.url).code == "HUB-D-117"


def test_nonsense_instead_of_http(peer: Peer, opened: Any) -> None:
    def nonsense(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(b"220 smtp.example ESMTP\r\n")

    peer.answer = lambda request: nonsense
    failure = failing(opened(), peer.url)
    assert (type(failure), failure.code) == (InDoubt, "HUB-D-105")


# --- judged by the answer ---


def test_pages_and_dates(peer: Peer, opened: Any) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=30)).replace(microsecond=0)
    peer.answer = lambda request: page(429)
    first = judge([], opened().post(peer.url, b""))
    retry_after = {"Retry-After": f"{until:%a, %d %b %Y %H:%M:%S GMT}"}
    peer.answer = lambda request: Reply(429, b"", retry_after)
    second = judge([], opened().post(peer.url, b""))
    assert isinstance(first, Deferred)
    assert isinstance(second, Deferred)
    assert second.until is not None
    assert abs(second.until - until) < timedelta(seconds=5)


def test_redirects_are_not_followed(peer: Peer, opened: Any) -> None:
    peer.answer = lambda request: Reply(302, b"", {"Location": f"{peer.url}/elsewhere"})
    answer = opened().post(peer.url, b"")
    assert (answer.status, len(peer.received)) == (302, 1)
    assert isinstance(judge([], answer), Retryable)


def test_proxies_of_the_environment_are_not_used(peer: Peer, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert opened().post(peer.url, b"").status == 200


def test_a_proxy_that_is_configured_is_used(peer: Peer, opened: Any) -> None:
    assert opened(proxy=peer.url).post("http://far.side.invalid/x", b"").status == 200
    assert peer.received[0].target == "http://far.side.invalid/x"


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0b", "中"])
def test_a_header_that_cannot_be_sent(value: str) -> None:
    with pytest.raises((ValueError, UnicodeEncodeError)):
        header("x", value)


def test_close_twice_and_go_on(peer: Peer, opened: Any) -> None:
    http = opened()
    http.close()
    http.post(peer.url, b"")
    http.close()
    http.close()
    assert http.post(peer.url, b"").status == 200


# --- TLS ---


class Authority:
    """A certificate authority that lives for one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = self._signed("test authority", self.key, ca=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(self._signed(name, key, ca=False).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return certificate, key_file

    def server(self, name: str = "localhost") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name))
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_trusted_certificate(authority: Authority, opened: Any) -> None:
    with Peer(authority.server()) as peer:
        http = opened(tls={"ca": str(authority.file)})
        assert http.post(peer.url, b"").status == 200
        http.reach(peer.url)
        assert opened(tls={"verify": False}).post(peer.url, b"").status == 200


def test_an_untrusted_certificate_and_a_wrong_host(authority: Authority, opened: Any) -> None:
    with Peer(authority.server("other-host")) as peer:
        for given in ({}, {"ca": str(authority.file)}):
            failure = failing(opened(tls=given), peer.url)
            assert (type(failure), failure.code) == (Misconfigured, "HUB-D-103")
            with pytest.raises(Misconfigured):
                opened(tls=given).reach(peer.url)
        assert peer.received == []


def test_a_client_certificate(authority: Authority, opened: Any) -> None:
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    certificate, key = authority.issue("hub")
    with Peer(context) as peer:
        mutual = {"ca": str(authority.file), "certificate": str(certificate), "key": str(key)}
        assert opened(tls=mutual).post(peer.url, b"").status == 200
        failure = failing(opened(tls={"ca": str(authority.file)}), peer.url)
        assert (type(failure), failure.code) == (Misconfigured, "HUB-D-103")


def test_plain_http_where_tls_was_due(peer: Peer, opened: Any) -> None:
    failure = failing(opened(connect_tries=1), peer.url.replace("http:", "https:"))
    assert (type(failure), failure.code) == (Misconfigured, "HUB-D-103")


def test_a_certificate_file_that_is_missing(peer: Peer, opened: Any, tmp_path: Path) -> None:
    failure = failing(opened(tls={"ca": str(tmp_path / "none.pem")}), peer.url)
    assert (type(failure), failure.code) == (Misconfigured, "HUB-D-103")
    assert str(tmp_path) not in str(failure)


def test_reaching_nobody(opened: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        for url, code in ((f"http://127.0.0.1:{unused.getsockname()[1]}", "HUB-D-101"), ("http://no-such.invalid", "HUB-D-102")):
            with pytest.raises(Retryable) as caught:
                opened().reach(url)
            assert caught.value.code == code
    with pytest.raises(Misconfigured):
        opened().reach("ftp://x")
