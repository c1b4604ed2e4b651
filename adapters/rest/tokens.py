"""Decides when an OAuth 2.0 token is fetched, kept and renewed (RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode

import orjson

from adapters.kit import words
from adapters.kit.answers import Answer, compiled
from adapters.kit.http import Http, headers
from adapters.kit.protocol import by_status
from adapters.rest.auth import OAuth2
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Retryable

#: A token is renewed this many seconds before its end, at most a tenth of its life.
_EARLY = 30.0


class Tokens:
    """One system's token. Threads share it; one of them fetches, the others wait."""

    def __init__(self, options: OAuth2, http: Http, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0
        self._refusals = [compiled(condition) for condition in options.renew_on]

    def current(self) -> str:
        """Return a token that should still be good, fetching one if need be; raises a Failure when none can be had."""
        with self._lock:
            if self._clock() >= self._good_until:
                self._fetch()
            return self._token

    def renewed(self, refused: str) -> str:
        """Return another token than the refused one; if another thread already fetched one, that."""
        with self._lock:
            if self._token == refused:
                self._fetch()
            return self._token

    def refused(self, answer: Answer) -> bool:
        """Whether the answer says that the token is no longer good."""
        return any(says(answer) for says in self._refusals)

    def _fetch(self) -> None:
        self._good_until = 0.0
        answer = self._ask()
        token = answer.select(self._options.token)
        if not token:
            raise Misconfigured("HUB-D-110", f"the token answer has nothing at {self._options.token}", said=words.heard(answer))
        life = self._life(answer.select(self._options.expires))
        self._token = token
        self._good_until = self._clock() + life - min(_EARLY, life / 10)

    def _life(self, told: str | None) -> float:
        try:
            return max(1.0, float(told)) if told else self._options.lifetime
        except ValueError:
            return self._options.lifetime

    def _ask(self) -> Answer:
        """Ask for a token. No message has left yet, so nothing here is ever in doubt or a record's fault."""
        try:
            answer = self._send()
            if not 200 <= answer.status < 300:
                raise by_status(answer.status, answer.headers, said=words.heard(answer))
        except Deferred:
            raise
        except (InDoubt, Retryable) as failure:
            raise Retryable(failure.code, f"no token: {failure.message}", said=failure.said) from failure
        except Failure as failure:
            raise Misconfigured("HUB-D-110", f"no token: {failure.message}", said=failure.said) from failure
        return answer

    def _send(self) -> Answer:
        options, secret = self._options, self._options.client_secret.get_secret_value()
        given = {"grant_type": "client_credentials", **({"scope": options.scope} if options.scope else {}), **options.parameters}
        named = {"accept": "application/json"}
        if options.client_auth == "basic":
            pair = f"{options.client_id}:{secret}".encode()
            named["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            given |= dict(zip(options.client_names, (options.client_id, secret), strict=True))
        if options.request == "query":
            return self._http.request("GET", f"{options.token_url}?{urlencode(given)}", headers=headers(named))
        if options.request == "json":
            return self._http.post(options.token_url, orjson.dumps(given), headers({**named, "content-type": "application/json"}))
        named["content-type"] = "application/x-www-form-urlencoded"
        return self._http.post(options.token_url, urlencode(given).encode(), headers(named))
