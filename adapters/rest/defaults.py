"""Decides what a REST far side's requests have in common, and how it is put into each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from adapters.kit.fields import Plain
from adapters.rest.shape import BodyForm, Charset, Method
from hub.ports import Options


class RequestDefaults(Options):
    """What every request has unless it says otherwise: endpoints, find, feeds, feedback and check."""

    method: Method | None = None
    path: str | None = None
    query: dict[str, Any] = Field(default={}, repr=False)
    headers: dict[str, Plain] = Field(default={}, repr=False)
    body: BodyForm | None = None
    template: Any = Field(default=None, repr=False)
    charset: Charset | None = None


class EndpointDefaults(RequestDefaults):
    """What every endpoint has unless it says otherwise; checked where it is filled in."""

    batch: Any = Field(default=None, repr=False)
    answers: Any = None
    expect: Any = None
    find: Any = Field(default=None, repr=False)
    idempotent: bool | None = None
    idempotency_key: Any = None


class Defaults(Options):
    """What requests have in common, said once. Objects are merged key by key, anything else is replaced; null takes it away."""

    request: RequestDefaults = RequestDefaults()
    endpoint: EndpointDefaults = EndpointDefaults()


def filled(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options with the defaults put into every request; what is no object is left for validation to refuse."""
    defaults = given.get("defaults")
    if not isinstance(defaults, Mapping):
        return given
    request, endpoint = _object(defaults.get("request")), _object(defaults.get("endpoint"))
    result = dict(given)
    for part in ("endpoints", "feeds", "feedback"):
        if isinstance(given.get(part), Mapping):
            base = _endpoints(request, endpoint) if part == "endpoints" else request
            result[part] = {name: _shape(base, request, one) for name, one in given[part].items()}
    if isinstance(given.get("check"), Mapping):
        result["check"] = merged(request, given["check"])
    return result


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` overlaid with `own`, objects key by key; null takes away what `base` has.

    >>> merged({"template": {"id": "x", "v": 1}, "path": "/a"}, {"template": {"id": "y", "v": None, "to": None}})
    {'template': {'id': 'y', 'to': None}, 'path': '/a'}
    """
    result = dict(base)
    for name, value in own.items():
        before = base.get(name)
        if value is None and name in base:
            del result[name]
        else:
            result[name] = merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return result


def _endpoints(request: Mapping[str, Any], endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every endpoint has; its look-up is a request, too."""
    base = merged(request, endpoint)
    return {**base, "find": merged(request, base["find"])} if isinstance(base.get("find"), Mapping) else base


def _shape(base: Mapping[str, Any], request: Mapping[str, Any], own: Any) -> Any:
    if not isinstance(own, Mapping):
        return own
    result = merged(base, own)
    if isinstance(own.get("find"), Mapping) and not isinstance(base.get("find"), Mapping):
        result["find"] = merged(request, own["find"])
    return result


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
