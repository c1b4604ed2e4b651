"""Decides how one call is carried out: with a token if there is one, sent once, renewed when refused, then judged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from adapters.kit.answers import compiled
from adapters.kit.http import Http
from adapters.kit.moments import CHINA
from adapters.kit.templates import Scope
from adapters.kit.values import extended, scope_of
from adapters.soap.call import Exchange, taken
from adapters.soap.envelope import credentials
from adapters.soap.options import Call, SoapOptions, Token
from adapters.soap.placeholders import OF_HANDSHAKE
from adapters.soap.reply import Reply
from adapters.soap.token import TokenCache
from adapters.soap.wsdl import Wsdl
from hub.errors import Misconfigured
from hub.model import Message


def stamped(moment: datetime, form: str) -> str:
    """Return the moment by a strftime format, in which `%3f` is the milliseconds."""
    return moment.strftime(form.replace("%3f", f"{moment.microsecond // 1000:03}"))


class Session:
    """One system's connection: HTTP, the WSDL, the secrets and the token. Safe to use from several threads."""

    def __init__(self, options: SoapOptions) -> None:
        self._options = options
        self.http = Http(options)
        self.wsdl = None if options.wsdl is None else Wsdl(options, self.http)
        self._secrets = {name: secret.get_secret_value() for name, secret in options.secrets.items()}
        self._basic = credentials(options.basic)
        self._token = None if options.token is None else _Handshake(options.token, self)

    def exchange(self, call: Call, roots: frozenset[str]) -> Exchange:
        """Compile one configured call. Raises ValueError."""
        return Exchange(call, self._options, self.wsdl, roots if self._options.token else roots - {"token"})

    def scope(self, message: Message | None, **values: Any) -> Scope:
        """Return what placeholders see in a call for this message, or for nobody's."""
        created = (datetime.now(UTC) if message is None else message.created).astimezone(CHINA)
        stamps = {name: stamped(created, form) for name, form in self._options.stamps.items()}
        always = {"secret": self._secrets, "stamp": stamped(created, self._options.time_format), "stamps": stamps}
        return scope_of(message, **always, **({"nonce": uuid4().hex} if message is None else {}), **values)

    def address(self) -> str:
        """Return where requests go; loads the WSDL when only that knows."""
        if self._options.address is not None or self.wsdl is None:
            return str(self._options.address)
        return self.wsdl.bound().address

    def ask(self, exchange: Exchange, scope: Scope) -> Reply:
        """Return the far side's answer, unjudged. Raises a Failure when there is none or nothing could be sent."""
        return self.once(exchange, scope) if self._token is None else self._token.ask(exchange, scope)

    def once(self, exchange: Exchange, scope: Scope) -> Reply:
        """Build, post and read, without a token."""
        prepared = exchange.prepare(scope)
        charset = self._options.charset
        headers = [*prepared.wire_headers(charset), *self._basic]
        return exchange.reader.read(self.http.post(prepared.address, prepared.content(charset), headers))

    def shake_hands(self) -> None:
        """Make the handshake now if one is configured and no token is kept. Raises a Failure."""
        if self._token is not None:
            self._token.cache.get()

    @property
    def has_token(self) -> bool:
        """Whether calls carry a token."""
        return self._token is not None

    def close(self) -> None:
        """Close connections; may be called twice."""
        self.http.close()


class _Handshake:
    """The compiled `token:` of a system."""

    def __init__(self, token: Token, session: Session) -> None:
        self._settings = token
        self._session = session
        self._exchange = session.exchange(token, OF_HANDSHAKE)
        self._refusals = [compiled(condition) for condition in token.renew_on]
        self.cache = TokenCache(self._shake, token.lasts)

    def ask(self, exchange: Exchange, scope: Scope) -> Reply:
        """Ask with the token; when the answer says it is no longer valid nothing was taken, so ask again with a new one.

        Raises Misconfigured HUB-D-222 when new tokens are refused too.
        """
        for _ in range(self._settings.renewals + 1):
            token = self.cache.get()
            reply = self._session.once(exchange, extended(scope, token=token))
            if not any(refused(reply.answer) for refused in self._refusals):
                return reply
            self.cache.drop(token)
        raise Misconfigured("HUB-D-222", f"the far side refused {self._settings.renewals + 1} tokens in a row")

    def _shake(self) -> str:
        reply = self._session.once(self._exchange, self._session.scope(None))
        taken(self._exchange.judge(reply))
        path = self._settings.path
        token = reply.answer.text if path is None else self._exchange.reader.text(reply, path)
        if not token or not token.strip():
            raise Misconfigured("HUB-D-220", "the handshake's answer holds no token", hint="look at token.path and token.answers")
        return token.strip()
