"""Decides what every request to a REST far side can look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from adapters.kit.fields import Plain
from adapters.kit.templates import Compiler
from adapters.rest.paths import names_in, tokens
from hub.ports import Options

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
Charset = Literal["utf-8", "gbk", "gb2312", "gb18030"]
BodyForm = Literal["json", "form", "xml", "text", "none"]
#: Names every template knows, whatever it is for.
COMMON = frozenset({"timestamp", "nonce", "token", "secret"})


def path_may_come_from_defaults(schema: dict[str, Any]) -> None:
    """Let editors accept a request without its own path; `hub check` looks after the defaults were filled in."""
    schema["required"] = [name for name in schema.get("required", ()) if name != "path"]


class Shape(Options):
    """What one request looks like. `template` is a tree for json and form, a text for xml and text; see docs/adapters.md.

    path: below base_url, may hold `{key}` and other names in braces, quoted for an address; may come from `defaults.request`.
    """

    model_config = {"json_schema_extra": path_may_come_from_defaults}

    known: ClassVar[frozenset[str]] = frozenset()

    method: Method = "POST"
    path: str
    query: dict[str, Any] = Field(default={}, repr=False)
    headers: dict[str, Plain] = Field(default={}, repr=False)
    body: BodyForm | None = None
    template: Any = Field(default=None, repr=False)
    charset: Charset | None = None

    @field_validator("path")
    @classmethod
    def _path_readable(cls, value: str) -> str:
        if "?" in value or "#" in value or "://" in value:
            raise ValueError("a path stands below base_url; parameters belong into query")
        Compiler(cls.known | COMMON).compile(tokens(value))
        return value

    @field_validator("query", "headers", "template")
    @classmethod
    def _templates_readable(cls, value: Any) -> Any:
        Compiler(cls.known | COMMON, seal=lambda content: "").compile(value)
        return value

    @model_validator(mode="after")
    def _body_fits(self) -> Self:
        if self.form_of_body == "form" and self.template is not None and not isinstance(self.template, Mapping):
            raise ValueError("template: of a form is an object of its fields")
        if self.form_of_body in ("xml", "text") and not isinstance(self.template, str):
            raise ValueError(f"body: {self.form_of_body} needs template: a text")
        return self

    @property
    def form_of_body(self) -> str:
        """The body's form; without one said, JSON for methods that carry a body."""
        return self.body or ("json" if self.method in ("POST", "PUT", "PATCH") else "none")

    @property
    def fixed_path(self) -> bool:
        """Whether every record meets the same address."""
        return not names_in(self.path)
