"""Decides when a handshake is made: before the first call, when the token is old, and when the far side refuses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hub.errors import Failure, InDoubt, Misconfigured, Rejected, Retryable


class TokenCache:
    """One token for all threads of a system; a refused one is renewed once, however many threads saw it refused."""

    def __init__(self, handshake: Callable[[], str], lasts: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._handshake = handshake
        self._lasts = lasts
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._made = 0.0

    def get(self) -> str:
        """Return the token, shaking hands if there is none or it is too old. Raises Retryable, Deferred or Misconfigured."""
        with self._lock:
            if self._token is None or self._old():
                self._token = shaken(self._handshake)
                self._made = self._clock()
            return self._token

    def drop(self, refused: str) -> None:
        """Forget this token, unless another thread has already replaced it."""
        with self._lock:
            if self._token == refused:
                self._token = None

    def _old(self) -> bool:
        return self._lasts is not None and self._clock() - self._made >= self._lasts


def shaken(handshake: Callable[[], str]) -> str:
    """Shake hands; its failures are never about the record that waits for it, which has not been sent.

    Raises Misconfigured HUB-D-220 when the handshake is refused, Retryable HUB-D-221 when its answer is in doubt.
    """
    try:
        return handshake()
    except Rejected as failure:
        raise Misconfigured("HUB-D-220", f"the handshake was refused: {failure.message}", said=failure.said) from failure
    except InDoubt as failure:
        raise Retryable("HUB-D-221", f"the handshake got no usable answer: {failure.message}", said=failure.said) from failure
    except Failure:
        raise
