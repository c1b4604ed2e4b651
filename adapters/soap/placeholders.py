"""Decides which placeholders each kind of call knows."""

from __future__ import annotations

from adapters.kit.templates import MESSAGE

_ALWAYS = frozenset({"secret", "stamp", "stamps", "inner", "digest", "item"})
#: A call for nobody's message is a new one each time; a message has its idempotency key, equal at every try.
_OF_NOBODY = _ALWAYS | {"nonce"}
#: Names a call that delivers a message knows; the look-up of a message in doubt knows them too.
OF_MESSAGE = _ALWAYS | {"token"} | frozenset(MESSAGE)
#: Names a call that reads a source knows.
OF_FEED = _OF_NOBODY | {"token", "cursor", "page"}
#: Names the handshake knows; the check knows the token too.
OF_HANDSHAKE = _OF_NOBODY
OF_CHECK = _OF_NOBODY | {"token"}
