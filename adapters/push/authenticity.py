"""Decides whether a push was sent by the far side, just now: its signature over the bytes as they came, and its time."""

from __future__ import annotations

from datetime import timedelta

from pydantic import SecretStr

from adapters.kit.answer import json_selector
from adapters.kit.moments import moment
from adapters.kit.sign import Signature, canonical, same, signed
from adapters.kit.templates import Compiler, Scope, Template
from adapters.push.named import Named, as_bytes, tree
from adapters.push.options import EVERYTHING, KNOWN, Signed, StandardWebhooks, webhook_key
from hub.errors import Unauthentic
from hub.model import Push

#: Characters of the longest number a push may have.
LONGEST_ID = 255


class Gate:
    """Judges pushes by one recipe."""

    def __init__(self, auth: Signed | StandardWebhooks) -> None:
        self._recipe = auth if isinstance(auth, Signed) else auth.recipe()
        self._secrets = [_key(auth, one) for one in (auth.secret, auth.former) if one is not None]
        compiler = Compiler(KNOWN)
        self._fields = [_field(entry, compiler) for entry in self._recipe.fields]
        self._listed = {as_bytes(name, self._recipe.charset) for name, part in self._fields if part is None}
        self._used = {name for _, part in self._fields if part is not None for name in part.names}
        self._whole = "content" in self._used

    @property
    def numbered(self) -> bool:
        """Whether pushes have numbers of their own; else it is their signature, another one whenever they are signed."""
        return self._recipe.id_in is not None

    def admit(self, push: Push, *, is_form: bool) -> str:
        """Return the push's own number. `is_form`: its body is a form, else perhaps a JSON object.

        Raises Unauthentic: HUB-S-601 unsigned, -602 wrongly signed, -603 not now, -604 no number, -605 not all of it is signed.
        """
        named = Named(push, self._recipe.charset, is_form=is_form)
        matched = self._matched(push, named, self._given(push, named))
        self._recent(push, named)
        self._nothing_beside(push, named)
        if self._recipe.id_in is None:
            return matched
        number = self._proven(named, self._recipe.id_in, "nonce")
        if not 0 < len(number) <= LONGEST_ID:
            raise Unauthentic("HUB-S-604", f"{self._recipe.id_in} is missing, empty or longer than {LONGEST_ID} characters")
        return number

    def _given(self, push: Push, named: Named) -> list[str]:
        """Return the signatures that stand in the request: several while a secret is being replaced."""
        into, prefix = self._recipe.into, self._recipe.prefix
        text = (json_selector(tree(push.body))(into.body) or "") if into.body else named.get(self._place)
        found = [word.removeprefix(prefix) for word in text.split() if word.startswith(prefix)]
        if not found:
            raise Unauthentic("HUB-S-601", "the request is not signed")
        return found

    @property
    def _place(self) -> str:
        """The name under which the signature stands in the request."""
        into = self._recipe.into
        return into.header or into.query or into.form or (into.body or "").removeprefix("/")

    def _matched(self, push: Push, named: Named, given: list[str]) -> str:
        """Return our own form of the signature that is right."""
        for secret in self._secrets:
            ours = signed(self._recipe, self._content(push, named, secret), secret)
            if any(same(_plain(ours, self._recipe), _plain(theirs, self._recipe)) for theirs in given):
                return ours
        raise Unauthentic("HUB-S-602", "the signature does not match the request")

    def _content(self, push: Push, named: Named, secret: bytes) -> bytes:
        """Return the bytes that are signed."""
        values = {
            "content": push.body.decode("latin-1"),
            "timestamp": named.get(self._recipe.timestamp_in),
            "nonce": named.get(self._recipe.id_in) if self._recipe.id_in else "",
            "secret": secret.decode("latin-1"),
            "method": push.method,
            "path": as_bytes(push.path, self._recipe.charset),
        }
        scope = Scope(values=values)
        pairs: list[tuple[str, str]] = []
        for name, part in self._fields:
            if part is not None:
                pairs.append((name, part.text(scope) or ""))
            elif name == EVERYTHING:
                pairs += named.all(but=self._place)
            else:
                pairs.append((as_bytes(name, self._recipe.charset), named.get(name)))
        return canonical(self._recipe, pairs).encode("latin-1")

    def _proven(self, named: Named, name: str, placeholder: str) -> str:
        """Return a value that the signature covers; `*` covers no header, in which anybody could put another one."""
        listed = as_bytes(name, self._recipe.charset) in self._listed or placeholder in self._used
        return named.get(name) if listed else named.signed(name)

    def _recent(self, push: Push, named: Named) -> None:
        try:
            sent = moment(self._proven(named, self._recipe.timestamp_in, "timestamp"), self._recipe.timestamp)
        except (ValueError, OverflowError):
            raise Unauthentic("HUB-S-603", f"{self._recipe.timestamp_in} is no time as the configuration says") from None
        off = abs(push.received_at - sent)
        if off > timedelta(seconds=self._recipe.skew):
            message = f"sent {off.total_seconds():.0f} s from our time; {self._recipe.skew:.0f} s are allowed"
            raise Unauthentic("HUB-S-603", message, hint="set the clock over there, or ours")

    def _nothing_beside(self, push: Push, named: Named) -> None:
        """Refuse a body of which a part is not signed: anybody could have put it there."""
        if self._whole or not push.body:
            return
        loose = [name for name in named.body if name not in {*self._listed, as_bytes(self._place, self._recipe.charset)}]
        if not named.body:
            raise Unauthentic("HUB-S-605", "the body is not signed; only a form or a JSON object can be signed field by field")
        if loose and as_bytes(EVERYTHING, self._recipe.charset) not in self._listed:
            raise Unauthentic("HUB-S-605", f"{len(loose)} fields of the body are not signed; sign them, or the body as a whole")


def _key(auth: Signed | StandardWebhooks, secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode(auth.charset) if isinstance(auth, Signed) else webhook_key(secret)


def _field(entry: str | dict[str, str], compiler: Compiler) -> tuple[str, Template | None]:
    if isinstance(entry, str):
        return entry, None
    ((name, template),) = entry.items()
    return name, compiler.compile(template)


def _plain(signature: str, recipe: Signature) -> str:
    """Return a signature as it is compared: hex digits are the same in either case."""
    return signature.lower() if recipe.output == "hex" else signature
