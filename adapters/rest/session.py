"""Decides how a compiled request is authenticated and sent, and when it is sent once more with a new token."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from adapters.kit.answers import Answer
from adapters.kit.http import Headers, Http, header
from adapters.kit.seal import Seal, sealed
from adapters.kit.sign import Stamp
from adapters.kit.templates import MESSAGE, Compiler, Scope
from adapters.rest.auth import Basic, Bearer, OAuth2, Signed
from adapters.rest.calls import Call, Draft
from adapters.rest.opening import Opener
from adapters.rest.options import RestOptions
from adapters.rest.shape import COMMON, Shape
from adapters.rest.signing import Signer
from adapters.rest.tokens import Tokens
from hub.model import Message


class Session:
    """One far side: its connections, its credentials, and the requests compiled for it."""

    def __init__(self, options: RestOptions) -> None:
        self._options = options
        self.http = Http(options)
        self._signers = [Signer(auth, urlsplit(options.base_url).path) for auth in options.auth if isinstance(auth, Signed)]
        oauth = [auth for auth in options.auth if isinstance(auth, OAuth2)]
        self.tokens = Tokens(oauth[0], self.http) if oauth else None
        self._token_header = (oauth[0].header, oauth[0].prefix) if oauth and oauth[0].header else None
        named = {name: secret.get_secret_value() for name, secret in options.secrets.items()}
        self._secrets = {"secret": named} if named else {}
        self._open = Opener(options.unseal, options.documents) if options.unseal or options.documents else None
        self._form = self._signers[0].recipe.timestamp if self._signers else "ms"

    def compile(self, shape: Shape, default: str | None = None) -> Call:
        """Compile one request; raises ValueError when it needs what the options do not give."""
        seal = self._options.seal
        call = Call(
            shape,
            base_headers={**self._fixed_auth(), **self._used_headers(shape)},
            charset=self._options.charset,
            seal=_sealer(seal) if seal else None,
            sealed=seal.fields if seal else (),
            default=default,
        )
        if "token" in call.names and self.tokens is None:
            raise ValueError("$token needs auth of type oauth2")
        self._check_place(shape, call)
        self._check_signed_names(shape, call)
        return call

    def ask(
        self,
        call: Call,
        message: Message | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        extra: Headers = (),
        url: str = "",
    ) -> Answer:
        """Send one request and return the answer, whatever its status; raises a Failure when there is none.

        A request whose token was refused goes out once more with a new one: a refusal at the door means nothing was taken.
        """
        if self.tokens is None:
            return self._send(call, message, values, extra, url, None)
        token = self.tokens.current()
        answer = self._send(call, message, values, extra, url, token)
        if not self.tokens.refused(answer):
            return answer
        return self._send(call, message, values, extra, url, self.tokens.renewed(token))

    def close(self) -> None:
        """Hang up; may be called twice."""
        self.http.close()

    def _send(
        self, call: Call, message: Message | None, values: Mapping[str, Any] | None, extra: Headers, url: str, token: str | None
    ) -> Answer:
        stamp = Stamp(datetime.now(UTC)) if self._signers or call.stamped else None
        draft = call.draft(Scope(message, self._values(values, stamp, token)), extra)
        if token and self._token_header:
            name, prefix = self._token_header
            draft.headers.append(header(str(name), f"{prefix} {token}"))
        if stamp is not None:
            self._sign(draft, stamp)
        address = url or self._options.base_url + draft.url()
        answer = self.http.request(draft.method, address, content=draft.content(), headers=draft.headers)
        return self._open(answer) if self._open else answer

    def _sign(self, draft: Draft, stamp: Stamp) -> None:
        for signer in self._signers:
            signer.sign(draft, stamp)

    def _values(self, values: Mapping[str, Any] | None, stamp: Stamp | None, token: str | None) -> Mapping[str, Any] | None:
        if stamp is None and token is None and not self._secrets:
            return values
        mine = {"timestamp": stamp.text(self._form), "nonce": stamp.nonce} if stamp else {}
        return {**(values or {}), **self._secrets, **mine, **({"token": token} if token else {})}

    def _fixed_auth(self) -> dict[str, str]:
        for auth in self._options.auth:
            if isinstance(auth, Basic):
                pair = f"{auth.user}:{auth.password.get_secret_value()}".encode()
                return {"authorization": f"Basic {base64.b64encode(pair).decode()}".replace("$", "$$")}
            if isinstance(auth, Bearer):
                return {"authorization": f"Bearer {auth.token.get_secret_value()}".replace("$", "$$")}
        return {}

    def _used_headers(self, shape: Shape) -> dict[str, str]:
        """Return the system's headers; those about a message are left out of requests that carry none."""
        compiler = Compiler(frozenset(MESSAGE) | COMMON)
        known = type(shape).known | COMMON
        return {name: value for name, value in self._options.headers.items() if compiler.compile(value).names <= known}

    def _check_place(self, shape: Shape, call: Call) -> None:
        """Refuse a signature that has no place in the request: it would leave unsigned."""
        for into in (signer.recipe.into for signer in self._signers):
            for named, form, what in ((into.form, "form", "a form"), (into.body, "json", "a JSON body")):
                if named and call.body != form:
                    raise ValueError(f"the signature goes into {what}, which {shape.method} {shape.path} does not send")

    def _check_signed_names(self, shape: Shape, call: Call) -> None:
        """Refuse a recipe that signs a name the request certainly lacks: far sides only say «bad signature»."""
        if "*" in call.template_names:
            return
        have = {name.lower() for name in call.template_names}
        for signer in self._signers:
            missing = [name for name in signer.names if name.lower() not in have]
            if missing:
                raise ValueError(f"the signature needs {missing[0]!r}, which {shape.path} does not send")


def _sealer(seal: Seal) -> Any:
    return lambda content: sealed(seal, content)
