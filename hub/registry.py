"""Decides which class a system's `adapter:` name means; the hub never imports an adapter by statement."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import entry_points

from hub.errors import HubError
from hub.ports import Adapter

ENTRY_POINT_GROUP = "gansu_exchange_hub.adapters"

#: name -> module:NAME of the built-in adapters; modules are imported only when a configuration names them.
BUILT_IN = {
    "rest": "adapters.rest:RestAdapter",
    "soap": "adapters.soap:SoapAdapter",
    "database": "adapters.database:DatabaseAdapter",
    "files": "adapters.files:FilesAdapter",
    "push": "adapters.push:PushAdapter",
}


def names() -> list[str]:
    """Return every adapter name a configuration may use, sorted, besides `module:NAME`."""
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))})


def load(name: str) -> type[Adapter]:
    """Return the adapter class of that name: built in, from an entry point, or `module:NAME`.

    Raises HubError HUB-C-120 when there is none, HUB-C-121 when it cannot be imported or lacks part of the contract.
    """
    if name in BUILT_IN:
        return _fit(_import(BUILT_IN[name], name), name)
    if ":" in name:
        return _fit(_import(name, name), name)
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        return _fit(_import(f"{point.module}:{point.attr}", name), name)
    close = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names())}"
    raise HubError("HUB-C-120", f"there is no adapter named {name!r}", hint=hint)


def _import(target: str, name: str) -> object:
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:  # ValueError: there is no module before the colon
        raise HubError("HUB-C-121", f"adapter {name!r} cannot be imported: {error}") from error


def _fit(candidate: object, name: str) -> type[Adapter]:
    missing = [part for part in ("name", "options", "guarantees", "endpoints", "kinds", "close") if not hasattr(candidate, part)]
    if missing or not isinstance(candidate, type):
        raise HubError("HUB-C-121", f"adapter {name!r} lacks {', '.join(missing) or 'a class'}")
    return candidate
