"""Decides what Python a mapping becomes: straight-line code, generated once when the mapping is loaded."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from hub.mapping.conditions import boolean
from hub.mapping.issues import Issue, Label
from hub.mapping.paths import Scope, expression
from hub.mapping.runtime import RUNTIME, Coding
from hub.mapping.spec import FieldSpec
from hub.mapping.transforming import Bound, bind
from hub.model import Json

#: data, envelope, issues to append to -> body
Compiled = Callable[[Mapping[str, Json], Any, list[Issue]], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in the target the code is at work. `parts` are literal texts, and the names of index variables as 1-tuples."""

    keys: tuple[str, ...] = ()
    parts: tuple[str | tuple[str], ...] = ()

    def field(self, name: str) -> Spot:
        """Return the spot of a field inside this one."""
        return Spot((*self.keys, name), (*self.parts, f".{name}" if self.parts else name))

    def item(self, index: str) -> Spot:
        """Return the spot of the list item an index variable points at."""
        return Spot((*self.keys, "*"), (*self.parts, "[", (index,), "]"))

    @property
    def code(self) -> str:
        """Return the expression for this spot's path."""
        written: list[str] = []
        text = ""
        for part in self.parts:
            if isinstance(part, str):
                text += part
            else:
                written += [repr(text), f"str({part[0]})"]
                text = ""
        return " + ".join([*written, repr(text)] if text or not written else written)


@dataclass(slots=True)
class Compiler:
    """Generates the code of one mapping. `codings` by table name; `label` tells title and personal kind of a target field."""

    codings: Mapping[str, Coding]
    label: Callable[[tuple[str, ...], FieldSpec], Label]
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    depth: int = 1
    variables: int = 0

    def compile(self, name: str, fields: dict[str, FieldSpec]) -> tuple[Compiled, str]:
        """Return the function and its source. The specs must be without findings."""
        self.lines = ["def apply(d, e, issues):", "    body = {}"]
        self._fields(fields, "body", Scope(), Spot())
        source = "\n".join([*self.lines, "    return body", ""])
        file = f"<mapping {name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        names = {**RUNTIME, **self.names}
        exec(compile(source, file, "exec"), names)
        return names["apply"], source

    # --- writing ---

    def _add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    @contextmanager
    def _under(self, line: str) -> Iterator[None]:
        self._add(line)
        self.depth += 1
        yield
        self.depth -= 1

    def _variable(self, stem: str) -> str:
        self.variables += 1
        return f"{stem}{self.variables}"

    def _constant(self, value: Any) -> str:
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    # --- fields ---

    def _fields(self, fields: dict[str, FieldSpec], out: str, scope: Scope, spot: Spot) -> None:
        for name, spec in fields.items():
            self._field(f"{out}[{name!r}]", spec, scope, spot.field(name))

    def _field(self, out: str, spec: FieldSpec, scope: Scope, spot: Spot) -> None:
        if spec.constant and spec.when is None and not spec.do and not spec.code:
            self._add(f"{out} = {spec.const!r}")
            return
        value = self._variable("v")
        self._value(spec, value, scope, spot)
        if spec.has_default:
            self._add(f"{out} = {value}")
        else:
            self._add(f"if {_filled(value)}: {out} = {value}")

    def _value(self, spec: FieldSpec, value: str, scope: Scope, spot: Spot) -> None:
        """Write code that leaves the value of `spec` in the variable `value`; None or '' when it is empty."""
        if spec.when is None:
            self._wanted(spec, value, scope, spot)
        else:
            with self._under(f"if {boolean(spec.when, scope, self.names)}:"):
                self._wanted(spec, value, scope, spot)
            self._add(f"else: {value} = None")
        if spec.has_default:
            self._add(f"if {_empty(value)}: {value} = {spec.default!r}")

    def _wanted(self, spec: FieldSpec, value: str, scope: Scope, spot: Spot) -> None:
        self._origin(spec, value, scope, spot)
        label = self._constant(self.label(spot.keys, spec)) if spec.do or spec.code or spec.required else ""
        if spec.do:
            self._steps([bind(step) for step in spec.do], value, label, spot)
        if spec.code:
            coding = self.codings[spec.code]
            targets, whole = self._constant(coding.targets), self._constant(coding)
            with self._under(f"if {_filled(value)}:"):
                self._add(f"try: {value} = {targets}[{value}]")
                self._add(f"except (KeyError, TypeError): {value} = coded(issues, {spot.code}, {label}, {value}, {whole})")
        if spec.required:
            self._add(f"if {_empty(value)}: missing(issues, {spot.code}, {label})")

    def _steps(self, steps: list[Bound], value: str, label: str, spot: Spot) -> None:
        raw = self._variable("r")
        with self._under(f"if {_filled(value)}:"):
            self._add(f"{raw} = {value}")
            with self._under("try:"):
                for index, step in enumerate(steps):
                    guard = f"if {_filled(value)}: " if index else ""
                    self._add(f"{guard}{value} = {self._call(step, value)}")
            with self._under("except Exception:"):
                self._add(f"{value} = failed(issues, {spot.code}, {label}, {raw}, {self._constant(tuple(steps))})")

    def _call(self, step: Bound, value: str) -> str:
        arguments = [self._constant(one) if isinstance(one, dict) else repr(one) for one in step.arguments.values()]
        call = f"{self._constant(step.transform.function)}({', '.join([value, *arguments])})"
        if not step.transform.inline:
            return call
        return f"{step.transform.inline.format(v=value)} if type({value}) is str else {call}"

    # --- where values come from ---

    def _origin(self, spec: FieldSpec, value: str, scope: Scope, spot: Spot) -> None:
        if spec.path is not None:
            fetched = expression(spec.path, scope)
            self._add(f"{value} = iso({fetched})" if spec.path == "$time" and not spec.do else f"{value} = {fetched}")
        elif spec.first is not None:
            self._first(spec.first, value, scope, spot)
        elif spec.join is not None:
            self._join(spec.join, spec.glue, value, scope, spot)
        elif spec.each is not None:
            self._each(spec, value, scope, spot)
        elif spec.fields is not None:
            made = self._variable("o")
            self._add(f"{made} = {{}}")
            self._fields(spec.fields, made, scope, spot)
            self._add(f"{value} = {made} or None")
        else:
            self._add(f"{value} = {spec.const!r}")

    def _first(self, items: list[FieldSpec], value: str, scope: Scope, spot: Spot) -> None:
        depth = self.depth
        for index, item in enumerate(items):
            if index:
                self._add(f"if {_empty(value)}:")
                self.depth += 1
            self._value(item, value, scope, spot)
        self.depth = depth

    def _join(self, items: list[FieldSpec], glue: str, value: str, scope: Scope, spot: Spot) -> None:
        parts, filled = self._variable("p"), self._variable("f")
        self._add(f"{parts} = []; {filled} = {all(item.constant for item in items)}")
        for item in items:
            one = self._variable("v")
            self._value(item, one, scope, spot)
            with self._under(f"if {_filled(one)}:"):
                self._add(f"{parts}.append({one})" + ("" if item.constant else f"; {filled} = True"))
        label = self._constant(self.label(spot.keys, items[0]))
        self._add(f"{value} = joined(issues, {spot.code}, {label}, {parts}, {glue!r}) if {filled} else None")

    def _each(self, spec: FieldSpec, value: str, scope: Scope, spot: Spot) -> None:
        items, index, item = self._variable("a"), self._variable("i"), self._variable("d")
        label = self._constant(self.label(spot.keys, spec))
        self._add(f"{items} = {expression(spec.each or '', scope)}")
        self._add(f"{value} = None if {_empty(items)} else []")
        with self._under(f"if {value} is not None and not isinstance({items}, list):"):
            self._add(f"not_listed(issues, {spot.code}, {label}, {items}); {value} = None")
        with self._under(f"for {index}, {item} in enumerate({items} if {value} is not None else ()):"):
            inside = replace(scope, item=item, sure=spec.fields is not None)
            self._item(spec, value, inside, spot.item(index))

    def _item(self, spec: FieldSpec, out: str, scope: Scope, spot: Spot) -> None:
        if spec.fields is not None:
            with self._under(f"if not isinstance({scope.item}, dict):"):
                self._add(f"not_an_object(issues, {spot.code}, {scope.item}); continue")
            made = self._variable("o")
            self._add(f"{made} = {{}}")
            self._fields(spec.fields, made, scope, spot)
            self._add(f"{out}.append({made})")
        elif spec.value is not None:
            one = self._variable("v")
            self._value(spec.value, one, scope, spot)
            self._add(f"if {_filled(one)}: {out}.append({one})")


def _filled(value: str) -> str:
    return f"{value} is not None and {value} != ''"


def _empty(value: str) -> str:
    return f"{value} is None or {value} == ''"
