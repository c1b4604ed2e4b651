"""Decides whether a push was sent by the far side, just now: its signature over the bytes as they came, and its time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import SecretStr

from adapters.kit.answer import json_selector
from adapters.kit.moments import moment, written
from adapters.kit.sign import Signature, canonical, same, signed
from adapters.kit.templates import Compiler, Scope, Template
from adapters.push.named import Named, as_bytes
from adapters.push.options import EVERYTHING, KNOWN, Feed, Signed, StandardWebhooks, webhook_key
from hub.errors import Unauthentic
from hub.model import Push

#: Characters of the longest number a push may have, and which these are: none that could be part of what is signed beside it.
LONGEST_ID = 255
_NUMBER = re.compile(rf"[\w.:-]{{1,{LONGEST_ID}}}", re.ASCII)


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
        self._all = EVERYTHING in self._recipe.fields
        own = (self._place, self._recipe.timestamp_in, self._recipe.id_in)
        self._own = frozenset(as_bytes(name, self._recipe.charset) for name in own if name)

    @property
    def numbered(self) -> bool:
        """Whether pushes have numbers of their own; else it is their signature, another one whenever they are signed."""
        return self._recipe.id_in is not None

    def admit(self, push: Push, feed: Feed) -> str:
        """Return the push's own number.

        Raises Unauthentic: HUB-S-601 unsigned, -602 wrongly signed, -603 not now, -604 no number, -605 not all of it is signed, or
        not for certain as what it is.
        """
        named = Named(push, self._recipe.charset, feed, whole=self._whole, own=self._own)
        matched = self._matched(push, named, self._given(named))
        self._recent(push, named)
        self._nothing_beside(push, named)
        if self._recipe.id_in is None:
            return matched
        number = self._proven(named, self._recipe.id_in, "nonce")
        if not _NUMBER.fullmatch(number):
            message = (
                f"{self._recipe.id_in} is missing, longer than {LONGEST_ID} characters, or has others than letters, digits and _.:-"
            )
            raise Unauthentic("HUB-S-604", message)
        return number

    def _given(self, named: Named) -> list[str]:
        """Return the signatures that stand in the request: several while a secret is being replaced."""
        into, prefix = self._recipe.into, self._recipe.prefix
        if into.header:
            text = named.header(into.header)
        elif into.query or into.form:
            text = (named.query if into.query else named.body).get(as_bytes(self._place, self._recipe.charset))
        else:
            text = json_selector(named.tree)(str(into.body))
        found = [word.removeprefix(prefix) for word in (text or "").split() if word.startswith(prefix)]
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
                pairs.append((as_bytes(name, self._recipe.charset), part.text(scope) or ""))
                continue
            found = (
                named.all(but=self._place) if name == EVERYTHING else [(as_bytes(name, self._recipe.charset), named.field(name))]
            )
            self._apart(found)
            pairs += found
        return canonical(self._recipe, pairs).encode("latin-1")

    def _apart(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Refuse fields that are signed like others: `a=1&b=2` may be two fields, or one with the value `1&b=2`."""
        joiner = self._recipe.joiner
        if self._recipe.pairs != "name=value" or not joiner:
            return
        for name, value in pairs:
            if "=" in name or joiner in name or "=" in value.partition(joiner)[2]:
                message = "a field holds what separates fields, so that the signature fits several readings of them"
                raise Unauthentic("HUB-S-605", message, hint="sign the body as a whole ($content), or encode the value")

    def _proven(self, named: Named, name: str, placeholder: str) -> str:
        """Return a value that the signature covers; `*` covers no header, in which anybody could put another one."""
        listed = as_bytes(name, self._recipe.charset) in self._listed or placeholder in self._used
        return named.get(name) if listed else named.signed(name)

    def _recent(self, push: Push, named: Named) -> None:
        sent = self._sent(self._proven(named, self._recipe.timestamp_in, "timestamp"))
        off = abs(push.received_at - sent)
        if off > timedelta(seconds=self._recipe.skew):
            message = f"sent {off.total_seconds():.0f} s from our time; {self._recipe.skew:.0f} s are allowed"
            raise Unauthentic("HUB-S-603", message, hint="set the clock over there, or ours")

    def _sent(self, text: str) -> datetime:
        """Return a time that is written as configured to the last digit: one that may be missing may stand somewhere else."""
        form = self._recipe.timestamp
        try:
            sent = moment(text, form)
            if written(sent, form) == text:
                return sent
        except (ValueError, OverflowError):
            pass
        raise Unauthentic("HUB-S-603", f"{self._recipe.timestamp_in} is no time as the configuration says")

    def _nothing_beside(self, push: Push, named: Named) -> None:
        """Refuse a part of the request that is not signed, or not as what it is: anybody could have put it there."""
        self._no_strangers(named)
        if self._whole or not push.body:
            return
        loose = [name for name in named.body if name not in {*self._listed, as_bytes(self._place, self._recipe.charset)}]
        if not named.body:
            raise Unauthentic("HUB-S-605", "the body is not signed; only a form or a JSON object can be signed field by field")
        if loose and not self._all:
            raise Unauthentic("HUB-S-605", f"{len(loose)} fields of the body are not signed; sign them, or the body as a whole")

    def _no_strangers(self, named: Named) -> None:
        """Refuse parameters nobody signed, and names of the record among the parameters: there they are signed, and yet missing."""
        for name in named.query:
            known = name in self._own or name in self._listed or self._all
            if not known or named.of_the_record(name):
                raise Unauthentic("HUB-S-605", "a parameter is not signed, or belongs into the body")


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
