"""Decides what an editor is told about the files of `config/`: JSON Schema 2020-12 made from the classes that check them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from hub import registry
from hub.errors import HubError
from hub.mapping.encodings import ENCODINGS
from hub.mapping.masking import Personal
from hub.mapping.spec import CasesSpec, MappingSpec
from hub.model import Json
from hub.settings.schema import HubFile, RoutesFile, SystemFile
from hub.settings.vocabulary import QualityFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Any string of config/ may be a reference, whatever type stands behind it.
_REFERENCE = {"type": "string", "pattern": r"\$\{"}
_SCALARS = frozenset({"integer", "number", "boolean", "string"})
_LIMITS = frozenset({"pattern", "format", "minLength", "enum", "const"})


@dataclass(frozen=True, slots=True)
class FileSchema:
    """One kind of file: where it stands, and how its schema is made."""

    where: str
    make: Callable[[], dict[str, Any]]


def of_model(model: type[BaseModel], *, references: bool = True) -> dict[str, Any]:
    """Return a class's schema as people write the file: by alias, with `${…}` for any plain value where `references` may stand."""
    made = model.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, **(_referable(made) if references else made)}


def system() -> dict[str, Any]:
    """Return the schema of a system's file; `options` follows `adapter` for every adapter that is installed here."""
    whole = of_model(SystemFile)
    definitions = whole.setdefault("$defs", {})
    rules = []
    for name in registry.names():
        try:
            options = adapter(name)
        except HubError:  # installed but broken, or its extra is missing: an editor does better without it than without everything
            continue
        definitions[f"options_{name}"] = _moved(options, f"options_{name}")
        then = {"properties": {"options": {"$ref": f"#/$defs/options_{name}"}}}
        rules.append({"if": {"properties": {"adapter": {"const": name}}, "required": ["adapter"]}, "then": then})
    whole["properties"]["adapter"]["examples"] = registry.names()
    return {**whole, "allOf": rules}


def contract() -> dict[str, Any]:
    """Return the schema of a contract or source schema: JSON Schema itself, with the few keywords of ours."""
    names = [one.value for one in Personal]
    ours = {
        "x-encoding": {"enum": list(ENCODINGS), "description": "charset over there. 对方字符集"},
        "x-max-bytes": {"type": "integer", "minimum": 1, "description": "most bytes in that charset. 最大字节数"},
        "x-personal": {"enum": names, "description": "kind of personal data, masked on screens. 个人信息种类"},
        "x-replace": {"description": "code table of characters written in another way; false: never here. 写不出的字的替换表"},
        "x-rule": {"type": "string", "description": "number of the data-quality rule of this field's form. 数据质量规则编号"},
        "x-note": {"type": "string", "description": "for readers. 备注"},
    }
    field = {"$defs": {"field": {"properties": {**ours, "properties": {"additionalProperties": {"$ref": "#/$defs/field"}}}}}}
    return {"$schema": DIALECT, "allOf": [{"$ref": DIALECT}, {"$ref": "#/$defs/field"}], **field}


def adapter(name: str) -> dict[str, Any]:
    """Return the schema of an adapter's options. Raises HubError HUB-C-120 or HUB-C-121."""
    return of_model(registry.load(name).options)


def _moved(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a schema that works below `#/$defs/<name>`: its references point into its own definitions there."""
    return {key: value for key, value in _pointed(schema, f"#/$defs/{name}/$defs/").items() if key != "$schema"}


def _pointed(value: Json, start: str) -> Json:
    if isinstance(value, dict):
        return {key: _pointed_text(inner, start) if key == "$ref" else _pointed(inner, start) for key, inner in value.items()}
    if isinstance(value, list):
        return [_pointed(inner, start) for inner in value]
    return _pointed_text(value, start) if isinstance(value, str) and value.startswith("#/$defs/") else value


def _pointed_text(value: Json, start: str) -> Json:
    return value.replace("#/$defs/", start, 1) if isinstance(value, str) else value


def _referable(value: Json) -> Json:
    if isinstance(value, list):
        return [_referable(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    inside = {key: _referable(inner) for key, inner in value.items()}
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _SCALARS or (kind == "string" and not _LIMITS & value.keys()):
        return inside
    about = {key: inside.pop(key) for key in ("title", "description", "default", "examples") if key in inside}
    return {**about, "anyOf": [inside, _REFERENCE]}


#: What `hub schema` knows besides adapters.
FILES: dict[str, FileSchema] = {
    "hub": FileSchema("config/hub.yaml", lambda: of_model(HubFile)),
    "system": FileSchema("config/systems/*.yaml", system),
    "route": FileSchema("config/routes/*.yaml", lambda: of_model(RoutesFile)),
    "quality": FileSchema("config/quality.yaml", lambda: of_model(QualityFile)),
    "mapping": FileSchema("mappings/<system>/*.yaml", lambda: of_model(MappingSpec, references=False)),
    "cases": FileSchema("mappings/<system>/*.cases.yaml", lambda: of_model(CasesSpec, references=False)),
    "contract": FileSchema("mappings/contracts/**/*.yaml, mappings/schemas/**/*.yaml", contract),
}
