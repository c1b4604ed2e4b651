"""Decides what a transform is: a named, documented function of one value, its parameters checked when the mapping is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from hub.documents import suggest
from hub.model import Json

Step = Callable[..., Json]
F = TypeVar("F", bound=Step)


class Unfit(ValueError):
    """A value a transform cannot convert. The message never quotes the value."""


class Unusable(ValueError):
    """A step, check or condition that is written wrongly. Becomes a finding."""

    def __init__(self, message: str, hint: str = "", code: str = "HUB-M-215") -> None:
        super().__init__(message)
        self.message, self.hint, self.code = message, hint, code


@dataclass(frozen=True, slots=True)
class Transform:
    """A transform as mappings name it. `inline` is an equivalent expression for a `str` value, or empty."""

    name: str
    function: Step
    parameters: type[BaseModel]
    inline: str = ""

    @property
    def summary(self) -> str:
        """Return the first sentence of its documentation."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


_KNOWN: dict[str, Transform] = {}


def transform(name: str, *, inline: str = "") -> Callable[[F], F]:
    """Register `f(value, **parameters)` under the name mappings use. Its parameters need annotations; it raises Unfit."""

    def register(function: F) -> F:
        _KNOWN[name] = Transform(name, function, _model(function), inline)
        return function

    return register


def all_transforms() -> dict[str, Transform]:
    """Return every transform by name, sorted: what `do:` may use."""
    return dict(sorted(_KNOWN.items()))


@dataclass(frozen=True, slots=True)
class Bound:
    """A transform with its parameters, ready to be called once per value."""

    transform: Transform
    arguments: dict[str, Json]

    def __call__(self, value: Json) -> Json:
        return self.transform.function(value, **self.arguments)


def bind(step: str | dict[str, Json]) -> Bound:
    """Make a step of `do:` callable. Raises Unusable when there is no such transform or its parameters do not fit.

    A step is a name, or one name with its parameters: a mapping of them, or the first one alone.

    >>> from hub.mapping import transforms
    >>> bind({"cut": 2})("漳县武阳镇")
    '漳县'
    """
    name, argument = _split(step)
    known = _KNOWN.get(name)
    if known is None:
        raise Unusable(f"there is no transform named {name!r}", suggest(name, _KNOWN), "HUB-M-204")
    try:
        parameters = known.parameters.model_validate(_arguments(known, argument))
    except ValidationError as error:
        raise Unusable(f"transform {name}: {_first(error)}", _hint(error, known)) from None
    return Bound(known, {field: getattr(parameters, field) for field in known.parameters.model_fields})


def _split(step: str | dict[str, Json]) -> tuple[str, Json]:
    if isinstance(step, str):
        return step, None
    if len(step) != 1:
        raise Unusable("a step is one name with its parameters, such as {cut: 10}")
    return next(iter(step.items()))


def _arguments(known: Transform, argument: Json) -> dict[str, Json]:
    fields = known.parameters.model_fields
    if argument is None:
        return {}
    first = next(iter(fields), None)
    if first is None:
        raise Unusable(f"transform {known.name} takes no parameters")
    if isinstance(argument, dict) and not (len(fields) == 1 and str(fields[first].annotation).startswith("dict")):
        return argument
    return {first: argument}


def _first(error: ValidationError) -> str:
    one = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"


def _hint(error: ValidationError, known: Transform) -> str:
    loc = error.errors(include_input=False, include_url=False)[0]["loc"]
    return suggest(str(loc[0]), known.parameters.model_fields) if loc else ""


def _model(function: Step) -> type[BaseModel]:
    parameters = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    fields: dict[str, Any] = {
        one.name: (one.annotation, ... if one.default is inspect.Parameter.empty else one.default) for one in parameters
    }
    return create_model(f"{function.__name__}_parameters", __config__=ConfigDict(extra="forbid", strict=True), **fields)
