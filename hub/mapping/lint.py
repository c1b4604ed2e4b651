"""Decides what is wrong with a mapping before any record meets it: every finding with its line and, if it can, «did you mean»."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from pydantic import ValidationError

from hub.documents import Document, findings, suggest
from hub.mapping.checking import Check, known
from hub.mapping.codes import CodeTable
from hub.mapping.conditions import ConditionSpec
from hub.mapping.contract import Contract
from hub.mapping.paths import Scope, expression
from hub.mapping.schema import validator
from hub.mapping.spec import FieldSpec, MappingSpec, Where, walk
from hub.mapping.transforming import Unusable, bind
from hub.model import Finding, Json, Place


@dataclass(frozen=True, slots=True)
class Bench:
    """What a mapping is judged against. `contract` and `source` are None when the file names one that is not there or is broken."""

    document: Document
    spec: MappingSpec
    contract: Contract | None
    source: Contract | None
    tables: Mapping[str, CodeTable]

    def finding(self, code: str, message: str, where: Where, hint: str = "", *, warning: bool = False) -> Finding:
        """Make a finding at a place of the mapping file."""
        return Finding(code, message, self.document.place(where), hint, warning)


def lint(bench: Bench) -> list[Finding]:
    """Return everything wrong with a mapping, except its checks."""
    found = list(_fields(bench))
    if bench.contract is not None:
        found += _unmapped(bench, bench.contract)
    return list(dict.fromkeys(found))


def _fields(bench: Bench) -> Iterator[Finding]:
    bases: dict[Where, tuple[str, ...]] = {}
    for where, target, spec in walk(bench.spec.fields):
        base = _base(where, bases)
        yield from _paths(bench, where, spec, base)
        yield from _steps(bench, where, spec)
        if spec.each is not None:
            bases[where] = (*(() if spec.each.startswith("/") else base), *spec.each.strip("/").split("."), "*")
        if bench.contract is not None:
            yield from _target(bench, bench.contract, where, target, spec)
            yield from _values(bench, bench.contract, where, target, spec)


def _base(where: Where, bases: Mapping[Where, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the source keys paths start from at a place: those of the innermost `each` around it."""
    around = (where[:length] for length in range(len(where) - 1, 0, -1))
    return next((bases[one] for one in around if one in bases), ())


# --- the source side ---


def _paths(bench: Bench, where: Where, spec: FieldSpec, base: tuple[str, ...]) -> Iterator[Finding]:
    named: list[tuple[Where, str]] = []
    if spec.path is not None:
        named.append(((*where, "path"), spec.path))
    if spec.each is not None:
        named.append(((*where, "each"), spec.each))
    if spec.when is not None:
        named += [((*where, "when"), path) for path in tested(spec.when)]
    for place, path in named:
        yield from _path(bench, place, path, base)


def tested(test: ConditionSpec) -> Iterator[str]:
    """Yield every path a condition looks at."""
    if test.path is not None:
        yield test.path
    for inner in (*(test.every or ()), *(test.some or ()), *([test.negated] if test.negated else ())):
        yield from tested(inner)


def _path(bench: Bench, where: Where, path: str, base: tuple[str, ...]) -> Iterator[Finding]:
    try:
        expression(path, Scope())
    except Unusable as error:
        yield bench.finding(error.code, error.message, where, error.hint)
        return
    if bench.source is None or path.startswith("$"):
        return
    keys = () if path.startswith("/") else base
    for part in () if path == "." else path.strip("/").split("."):
        names = _names(bench.source, keys)
        if not names:
            return
        if part not in names:
            message = f"the source {bench.source.name} has no {'.'.join((*keys, part))}"
            yield bench.finding("HUB-M-201", message, where, suggest(part, names))
            return
        keys = (*keys, part)


def _names(contract: Contract, keys: tuple[str, ...]) -> list[str]:
    """Return the fields a contract names right inside `keys`."""
    return [field[-1] for field in contract.fields if field[:-1] == keys and field[-1] != "*"]


# --- steps and tables ---


def _steps(bench: Bench, where: Where, spec: FieldSpec) -> Iterator[Finding]:
    for index, step in enumerate(spec.do):
        try:
            bind(step)
        except Unusable as error:
            yield bench.finding(error.code, error.message, (*where, "do", index), error.hint)
    if spec.code is not None and spec.code not in bench.tables:
        message = f"there is no code table mappings/codes/{spec.code}.csv"
        yield bench.finding("HUB-M-206", message, (*where, "code"), suggest(spec.code, bench.tables))


# --- the target side ---


def _target(bench: Bench, contract: Contract, where: Where, target: tuple[str, ...], spec: FieldSpec) -> Iterator[Finding]:
    if not isinstance(where[-1], str) or where[-2] != "fields":
        return
    names = _names(contract, target[:-1])
    if target in contract.fields or not names:
        return
    message = f"the contract {contract.name} has no field {'.'.join(target)}"
    yield bench.finding("HUB-M-202", message, where, suggest(target[-1], names), warning=not contract.closed)


def _values(bench: Bench, contract: Contract, where: Where, target: tuple[str, ...], spec: FieldSpec) -> Iterator[Finding]:
    """Find constants, defaults and codes the contract would refuse."""
    field = contract.fields.get(target)
    if field is None or _is_part(where):
        return
    for word, given in (("const", spec.constant and not spec.do and not spec.code), ("default", spec.has_default)):
        value = getattr(spec, word)
        if given and not (word == "default" and value in (None, "")) and not accepts(contract, field.schema, value):
            yield bench.finding("HUB-M-209", f"the contract {contract.name} refuses this {word}", (*where, word))
    table = bench.tables.get(spec.code or "")
    if table is not None and spec.fields is None and field.schema.get("type") != "array":
        yield from _targets(bench, contract, where, field.schema, table)


def _is_part(where: Where) -> bool:
    """Say whether a spec is an item of `first` or `join`: what it gives is not yet what the target gets."""
    return any(word in ("first", "join") and isinstance(index, int) for word, index in pairwise(where))


def _targets(bench: Bench, contract: Contract, where: Where, schema: dict[str, Json], table: CodeTable) -> Iterator[Finding]:
    for local, target in table.targets.items():
        if not accepts(contract, schema, target):
            place = Place(table.file, table.lines.get(local, 0), 0, str(bench.document.place(where)))
            yield Finding("HUB-M-218", f"the contract {contract.name} refuses the target code {target!r}", place)


def accepts(contract: Contract, schema: dict[str, Json], value: Json) -> bool:
    """Say whether a field's schema allows a value, in the contract's encoding."""
    whole = {**schema, "$defs": contract.schema.get("$defs", {})}
    encodable = not isinstance(value, str) or contract.encoding.fits(value)
    return encodable and bool(validator(whole).is_valid(value))


def _unmapped(bench: Bench, contract: Contract) -> Iterator[Finding]:
    """Find required fields of the contract that no field of the mapping fills."""
    mapped = {target: where for where, target, _ in walk(bench.spec.fields)}
    opaque = {target for _, target, spec in walk(bench.spec.fields) if spec.fields is None and spec.value is None}
    for keys, field in contract.fields.items():
        around = keys[:-1]
        inside = not around or (around in mapped and around not in opaque) or (around[-1:] == ("*",) and _listed(bench, around))
        if field.required and inside and keys not in mapped:
            where = ("fields",) if not around else mapped.get(around, mapped.get(around[:-1], ("fields",)))
            message = f"{'.'.join(keys)} ({field.schema.get('title', '')}) is required by {contract.name} and never mapped"
            yield bench.finding("HUB-M-203", message.replace(" ()", ""), where)


def _listed(bench: Bench, around: tuple[str, ...]) -> bool:
    return any(
        target == around[:-1] and spec.each is not None and spec.fields is not None for _, target, spec in walk(bench.spec.fields)
    )


# --- checks ---


def checks(bench: Bench) -> tuple[list[Check], list[Finding]]:
    """Build the checks of a mapping, and return what is wrong with them."""
    made: list[Check] = []
    found: list[Finding] = []
    for index, data in enumerate(bench.spec.checks):
        where: Where = ("checks", index)
        try:
            kind = known(data.get("check"))
            made.append(kind.model_validate(data))
            found += _named(bench, where, made[-1])
        except Unusable as error:
            found.append(bench.finding(error.code, error.message, (*where, "check"), error.hint))
        except ValidationError as error:
            found += findings(error, bench.document, where, model=kind)
    return made, found


def _named(bench: Bench, where: Where, check: Check) -> Iterable[Finding]:
    fields = list(check.named())
    if check.when is not None:
        fields += [(("when",), path) for path in tested(check.when)]
    if bench.contract is None:
        return
    for place, name in fields:
        if bench.contract.field(name) is None:
            message = f"the contract {bench.contract.name} has no field {name}"
            hint = suggest(name, _names(bench.contract, ()))
            yield bench.finding("HUB-M-217", message, (*where, *place), hint, warning=not bench.contract.closed)
