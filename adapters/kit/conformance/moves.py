"""Decides how somebody who saw a signed push could send its parts elsewhere: the same letters, another meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from hub.model import Push

#: A request in pieces: headers, parameters, and the fields of a form.
_Values = dict[str, str]


def moves(push: Push) -> Iterator[Push]:
    """Yield the push with a value moved elsewhere, swallowed by another or cut at another place, under the signature it had."""
    yield replace(push, query=_query({**_pairs(push.query), "beside": "1"}))
    yield from _between_neighbours(push)
    yield from _into_the_body(push)
    yield from _out_of_a_form(push)
    yield from _out_of_an_object(push)


def _between_neighbours(push: Push) -> Iterator[Push]:
    """A letter goes from one header or parameter to another."""
    for place in ("headers", "query"):
        values = dict(push.headers) if place == "headers" else _pairs(push.query)
        for told in _shifted(values):
            yield replace(push, headers=told) if place == "headers" else replace(push, query=_query(told))


def _into_the_body(push: Push) -> Iterator[Push]:
    """A letter goes from a header or parameter to the body's front, or from there to the value."""
    parameters = _pairs(push.query)
    for cut in (_last_to_front, _front_to_last):
        for name, value in push.headers.items():
            text, body = cut(value, push.body)
            yield replace(push, headers={**push.headers, name: text}, body=body)
        for name, value in parameters.items():
            text, body = cut(value, push.body)
            yield replace(push, query=_query({**parameters, name: text}), body=body)


def _last_to_front(value: str, body: bytes) -> tuple[str, bytes]:
    return value[:-1], value[-1:].encode() + body


def _front_to_last(value: str, body: bytes) -> tuple[str, bytes]:
    return value + body[:1].decode("latin-1"), body[1:]


def _out_of_a_form(push: Push) -> Iterator[Push]:
    """A field of a form goes into the query, a header, or another field's value or name."""
    fields = _pairs(push.body.decode("latin-1"))
    if not push.body.isascii() or len(fields) < 2:
        return
    for told in _shifted(fields):
        yield replace(push, body=_query(told).encode())
    for name, value in fields.items():
        rest = {other: text for other, text in fields.items() if other != name}
        left = replace(push, body=_query(rest).encode())
        yield replace(left, query=_query({**_pairs(push.query), name: value}))
        yield replace(left, headers={**push.headers, name.lower(): value})
        for other, text in rest.items():
            swallowed = {**rest, other: f"{text}&{name}={value}"}
            yield replace(push, body=_query(swallowed).encode())
            named = {told: said for told, said in rest.items() if told != other} | {f"{other}={text}&{name}": value}
            yield replace(push, body=_query(named).encode())


def _out_of_an_object(push: Push) -> Iterator[Push]:
    """A member of a JSON object goes into the query or a header."""
    try:
        told = json.loads(push.body)
    except ValueError:
        return
    if not isinstance(told, dict):
        return
    for name, value in told.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        left = replace(push, body=json.dumps({other: said for other, said in told.items() if other != name}).encode())
        yield replace(left, query=_query({**_pairs(push.query), name: text}))
        yield replace(left, headers={**push.headers, name.lower(): text})


def _shifted(values: Mapping[str, str]) -> Iterator[_Values]:
    """Yield the values with the last letter of one at the front of another, and the first of one behind another."""
    for name, value in values.items():
        for other in values:
            if other != name and value:
                yield {**values, name: value[:-1], other: value[-1] + values[other]}
                yield {**values, name: value[1:], other: values[other] + value[0]}


def _pairs(query: str) -> _Values:
    return dict(parse_qsl(query, keep_blank_values=True, encoding="latin-1"))


def _query(values: Mapping[str, str]) -> str:
    return urlencode(dict(values), encoding="latin-1", errors="replace")
