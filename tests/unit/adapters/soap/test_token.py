"""The token cache: one handshake for all threads, renewed once when refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.soap.token import TokenCache
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """Counts handshakes; each gives the next token."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"T{self.count}"


def test_a_token_is_kept() -> None:
    gate = Gate()
    cache = TokenCache(gate, None)
    assert [cache.get(), cache.get(), gate.count] == ["T1", "T1", 1]


def test_a_token_grows_old() -> None:
    clock, gate = Clock(), Gate()
    cache = TokenCache(gate, 60.0, clock)
    cache.get()
    clock.now = 59.9
    assert cache.get() == "T1"
    clock.now = 60.0
    assert cache.get() == "T2"


def test_a_refused_token_is_dropped_once() -> None:
    gate = Gate()
    cache = TokenCache(gate, None)
    refused = cache.get()
    cache.drop(refused)
    fresh = cache.get()
    cache.drop(refused)  # a slower thread saw the old one refused
    assert [fresh, cache.get(), gate.count] == ["T2", "T2", 2]


def test_threads_share_one_handshake() -> None:
    gate, threads = Gate(), 8
    cache, together = TokenCache(gate, None), threading.Barrier(threads)

    def call() -> str:
        together.wait(10)
        old = cache.get()
        together.wait(10)
        cache.drop(old)
        together.wait(10)
        return cache.get()

    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(lambda _: call(), range(threads))) == {"T2"}
    assert gate.count == 2


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (Rejected("HUB-D-120", "no", said="口令错误"), Misconfigured, "HUB-D-220"),
        (InDoubt("HUB-D-104", "silence"), Retryable, "HUB-D-221"),
        (Retryable("HUB-D-101", "down"), Retryable, "HUB-D-101"),
        (Deferred("HUB-D-112", "later", until=None), Deferred, "HUB-D-112"),
    ],
)
def test_a_failed_handshake_is_never_the_records_fault(raised: Failure, kind: type[Failure], code: str) -> None:
    def handshake() -> str:
        raise raised

    cache = TokenCache(handshake, None)
    with pytest.raises(kind) as caught:
        cache.get()
    assert (caught.value.code, caught.value.said) == (code, raised.said)
