"""Decides whether a record meets a condition: the `when:` of routes, fields and checks, compiled to one Python expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hub.mapping.paths import Scope, dig, expression
from hub.mapping.texts import text
from hub.mapping.transforming import Unusable
from hub.model import Json

Scalar: TypeAlias = str | int | float | bool | None
_TESTS = ("equals", "in", "matches", "starts", "present")
_GROUPS = ("all", "any", "not")


def _listed(value: Any) -> Any:
    return {"all": value} if isinstance(value, list) else value


class ConditionSpec(BaseModel):
    """One condition: a path with one test, or a group of conditions. A list of conditions means all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: str | None = None
    equals: Scalar = None
    among: list[Scalar] | None = Field(None, alias="in")
    matches: str | None = None
    starts: str | None = None
    present: bool | None = None
    every: list[Condition] | None = Field(None, alias="all")
    some: list[Condition] | None = Field(None, alias="any")
    negated: Condition | None = Field(None, alias="not")

    @model_validator(mode="after")
    def _one_test(self) -> ConditionSpec:
        given = {ConditionSpec.model_fields[name].alias or name for name in self.model_fields_set}
        if len(given & {*_TESTS, *_GROUPS}) != 1:
            raise ValueError(f"a condition needs exactly one of {', '.join((*_TESTS, *_GROUPS))}")
        if bool(given & {*_TESTS}) != ("path" in given):
            raise ValueError("a test needs a path, a group (all, any, not) must not have one")
        if self.matches is not None:
            _compiled(self.matches)
        return self


Condition: TypeAlias = Annotated[
    ConditionSpec, BeforeValidator(_listed, json_schema_input_type=ConditionSpec | list[ConditionSpec])
]
ConditionSpec.model_rebuild()


class _Holder(BaseModel):
    when: Condition


def condition(spec: Json) -> Callable[[Mapping[str, Json]], bool]:
    """Compile a condition over a record's data. Values are compared as text: `2` equals `"2"`; nothing equals what is missing.

    Raises pydantic.ValidationError when it is written wrongly. The function never raises.

    >>> condition({"path": "SXLX", "in": ["1", "2"]})({"SXLX": 2})
    True
    """
    test = spec if isinstance(spec, ConditionSpec) else _Holder.model_validate({"when": spec}).when
    names: dict[str, Any] = {}
    try:
        code = boolean(test, Scope(envelope=""), names)
    except Unusable as error:
        raise ValueError(error.message) from error
    return cast("Callable[[Mapping[str, Json]], bool]", eval(f"lambda d: {code}", {**RUNTIME, **names}))


def boolean(test: ConditionSpec, scope: Scope, names: dict[str, Any]) -> str:
    """Return a Python expression for a condition; constants it needs are put into `names`."""
    if test.every is not None or test.some is not None:
        word, members = (" and ", test.every) if test.every is not None else (" or ", test.some or [])
        return f"({word.join(boolean(one, scope, names) for one in members) or test.every is not None})"
    if test.negated is not None:
        return f"(not {boolean(test.negated, scope, names)})"
    return _test(test, expression(test.path or "", scope), names)


def _test(test: ConditionSpec, value: str, names: dict[str, Any]) -> str:
    if test.present is not None:
        return f"(present({value}) is {test.present})"
    if test.starts is not None:
        return f"(word({value}) or '').startswith({test.starts!r})"
    if test.matches is not None:
        return f"({_named(names, _compiled(test.matches).search)}(word({value}) or '') is not None)"
    if test.among is not None:
        words = frozenset(word(one) for one in test.among if one is not None)
        return f"(word({value}) in {_named(names, words)})"
    return f"({value} is None)" if test.equals is None else f"(word({value}) == {word(test.equals)!r})"


def _named(names: dict[str, Any], value: Any) -> str:
    name = f"k{len(names)}"
    names[name] = value
    return name


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"matches: not a regular expression: {error}") from None


def word(value: Json) -> str | None:
    """Return a scalar as the text conditions compare; None for nothing, lists and objects."""
    if value is None or isinstance(value, str):
        return value
    try:
        return text(value)
    except ValueError:
        return None


def present(value: Json) -> bool:
    """Say whether there is anything: neither None nor an empty text."""
    return value is not None and value != ""


#: What generated conditions call.
RUNTIME: dict[str, Any] = {"dig": dig, "word": word, "present": present}
