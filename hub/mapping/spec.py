"""Decides what may stand in a mapping file and in a cases file: the closed vocabulary, as pydantic models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hub.mapping.conditions import Condition
from hub.mapping.issues import Severity
from hub.model import Json

#: What a field's value comes from; a field names exactly one of them.
ORIGINS = ("path", "const", "first", "join", "each", "fields")
_CONST = "const"


class Strict(BaseModel):
    """Base of every file's model: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _plain(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _steps(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


class FieldSpec(Strict):
    """Where one field's value comes from and what is done to it. A plain string is a path."""

    path: str | None = None
    const: Json = None
    first: list[Spec] | None = Field(None, min_length=1)
    join: list[Spec] | None = Field(None, min_length=1)
    glue: str = Field("", alias="with")
    each: str | None = None
    fields: dict[str, Spec] | None = Field(None, min_length=1)
    value: Spec | None = None
    do: Annotated[
        list[str | dict[str, Json]],
        BeforeValidator(_steps, json_schema_input_type=str | dict[str, Json] | list[str | dict[str, Json]]),
    ] = []
    code: str | None = None
    when: Condition | None = None
    default: Json = None
    required: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> FieldSpec:
        given = self.model_fields_set
        origins = [name for name in ORIGINS if name in given and not (name == "fields" and "each" in given)]
        if len(origins) != 1:
            raise ValueError(f"a field needs exactly one of {', '.join(ORIGINS)}")
        if "each" in given and ("fields" in given) == ("value" in given):
            raise ValueError("each needs either fields (a list of objects) or value (a list of single values)")
        if "value" in given and "each" not in given:
            raise ValueError("value goes with each")
        if "glue" in given and "join" not in given:
            raise ValueError("with goes with join")
        return self

    @property
    def constant(self) -> bool:
        """Say whether the value is literal."""
        return _CONST in self.model_fields_set

    @property
    def has_default(self) -> bool:
        """Say whether a default is given, be it null."""
        return "default" in self.model_fields_set


Spec: TypeAlias = Annotated[FieldSpec, BeforeValidator(_plain, json_schema_input_type=str | FieldSpec)]
FieldSpec.model_rebuild()


class MappingSpec(Strict):
    """A mapping file."""

    version: Literal[1]
    title: str = ""
    source: str | None = Field(None, alias="from")
    contract: str
    fields: dict[str, Spec] = Field(min_length=1)
    checks: list[dict[str, Json]] = []


class ExpectedIssue(Strict):
    """An issue a case expects; what is not given is not compared."""

    path: str
    rule: str | None = None
    severity: Severity | None = None
    id: str | None = None


class EnvelopeSpec(Strict):
    """The envelope of a case; what is not given has a fixed value."""

    operation: Literal["I", "U", "D"] = "I"
    batch: str = "B1"
    time: AwareDatetime | None = None
    key: str = "K1"
    revision: str = "R1"
    version: int = Field(default=1, ge=1)
    kind: str = "case"
    system: str = "system"
    lane: str = "L1"


class Case(Strict):
    """One example: what is given, and the body or the issues that must come of it."""

    case: str
    given: dict[str, Json]
    envelope: EnvelopeSpec = EnvelopeSpec()
    expect: dict[str, Json] | None = None
    exactly: dict[str, Json] | None = None
    issues: list[ExpectedIssue] | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Case:
        if self.expect is None and self.exactly is None and not self.issues:
            raise ValueError("a case expects something: expect, exactly or issues")
        return self


class CasesSpec(Strict):
    """A cases file."""

    version: Literal[1]
    cases: list[Case] = Field(min_length=1)


Where: TypeAlias = tuple[str | int, ...]


def walk(
    fields: dict[str, FieldSpec], place: Where = ("fields",), target: tuple[str, ...] = ()
) -> Iterator[tuple[Where, tuple[str, ...], FieldSpec]]:
    """Yield every spec of a mapping: its place in the file, the target's keys (`*` for list items), the spec; parents first."""
    for name, spec in fields.items():
        yield from _walk(spec, (*place, name), (*target, name))


def _walk(spec: FieldSpec, place: Where, target: tuple[str, ...]) -> Iterator[tuple[Where, tuple[str, ...], FieldSpec]]:
    yield place, target, spec
    inside = (*target, "*") if spec.each is not None else target
    if spec.fields is not None:
        yield from walk(spec.fields, (*place, "fields"), inside)
    if spec.value is not None:
        yield from _walk(spec.value, (*place, "value"), inside)
    for word in ("first", "join"):
        for index, item in enumerate(getattr(spec, word) or []):
            yield from _walk(item, (*place, word, index), target)
