"""Decides which placeholders each kind of call knows."""

from __future__ import annotations

from adapters.kit.templates import MESSAGE

_ALWAYS = frozenset({"secret", "stamp", "inner", "digest", "item"})
#: Names a call that delivers a message knows; the look-up of a message in doubt knows them too.
OF_MESSAGE = _ALWAYS | {"token"} | frozenset(MESSAGE)
#: Names a call that reads a source knows.
OF_FEED = _ALWAYS | {"token", "cursor", "page"}
#: Names the handshake knows; the check knows the token too.
OF_HANDSHAKE = _ALWAYS
OF_CHECK = _ALWAYS | {"token"}
