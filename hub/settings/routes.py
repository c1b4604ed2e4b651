"""Decides whether the routes fit everything they name: systems, kinds, endpoints, mappings, parents, fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.documents import suggest
from hub.mapping.conditions import condition
from hub.model import Place
from hub.settings import paths, promise
from hub.settings.files import Files, Read
from hub.settings.model import DeletesSettings, ParentSettings, RouteSettings, SystemSettings
from hub.settings.schema import DeletesEntry, RouteEntry, RoutesFile

#: Who must approve where a route says no more than `gate: true`.
APPROVER = "审批人"

if TYPE_CHECKING:
    from hub.mapping import Contract, MappingSet
    from hub.mapping import Mapping as FieldMapping


@dataclass(frozen=True, slots=True)
class _Written:
    """One route as its file has it."""

    entry: RouteEntry
    read: Read[RoutesFile]
    index: int

    def place(self, *path: str | int) -> Place:
        return self.read.place("routes", self.index, *path)


def build(files: Files, systems: Mapping[str, SystemSettings], mappings: MappingSet) -> tuple[RouteSettings, ...]:
    """Return the usable routes in the order of the files; what is wrong with the others is added to `files.found`."""
    written = _unique(files, list(_all(files)))
    for route in written.values():
        _parent(files, route, written)
    _cycles(files, written)
    built = [_Route(files, route, systems, mappings).build() for route in written.values()]
    return tuple(route for route in built if route is not None)


def _all(files: Files) -> Iterator[_Written]:
    for read in files.routes:
        for index, entry in enumerate(read.entry.routes):
            yield _Written(entry, read, index)


def _unique(files: Files, routes: Iterable[_Written]) -> dict[str, _Written]:
    known: dict[str, _Written] = {}
    for route in routes:
        name = route.entry.route
        if name in known:
            files.add(
                "HUB-C-146",
                f"the route {name!r} is described twice",
                route.place("route"),
                f"first in {known[name].place('route')}",
            )
        known.setdefault(name, route)
    return known


def _parent(files: Files, route: _Written, written: Mapping[str, _Written]) -> None:
    parent = route.entry.parent
    if parent is None:
        return
    other = written.get(parent.route)
    if other is None:
        if parent.route not in files.named:
            files.add(
                "HUB-C-144", f"there is no route {parent.route!r}", route.place("parent", "route"), suggest(parent.route, written)
            )
    elif other.entry.to.split("/")[0] != route.entry.to.split("/")[0]:
        message = f"the parent route {parent.route!r} goes to another system"
        files.add("HUB-C-144", message, route.place("parent", "route"), "a parent must be taken by the same system")


def _cycles(files: Files, written: Mapping[str, _Written]) -> None:
    told: set[str] = set()
    for name in written:
        chain: list[str] = []
        at: str | None = name
        while at is not None and at in written and at not in chain:
            chain.append(at)
            parent = written[at].entry.parent
            at = parent.route if parent else None
        if at == name and not told & set(chain):
            told |= set(chain)
            message = f"these routes wait for each other: {' → '.join([*chain, name])}"
            files.add("HUB-C-147", message, written[name].place("parent"), "remove one of their parent: keys")


class _Route:
    """Checks one route against everything it names."""

    def __init__(self, files: Files, route: _Written, systems: Mapping[str, SystemSettings], mappings: MappingSet) -> None:
        self._files, self._route, self._entry = files, route, route.entry
        self._systems, self._mappings = systems, mappings
        self._to, self._endpoint = route.entry.to.split("/", 1)

    def build(self) -> RouteSettings | None:
        """Return the route, or None when it cannot work; all its findings are added either way."""
        source = self._system(self._entry.source, "from")
        sink = self._system(self._to, "to")
        self._source(source)
        self._sink(sink)
        mapping, when = self._mapping(), self._when()
        if mapping is None or when is None:
            return None
        self._fits(mapping, source)
        return self._settings(mapping, when)

    def _settings(self, mapping: FieldMapping, when: Callable[[Mapping[str, Any]], bool]) -> RouteSettings:
        entry, parent = self._entry, self._entry.parent
        return RouteSettings(
            name=entry.route,
            title=entry.title,
            source=entry.source,
            kind=entry.kind,
            when=when,
            mapping=mapping,
            system=self._to,
            endpoint=self._endpoint,
            lane=entry.lane,
            lane_of=paths.reader(entry.lane),
            parent_key_of=paths.reader(parent.key) if parent else _none,
            parent=ParentSettings(parent.route, parent.key) if parent else None,
            row=entry.row,
            gate=APPROVER if entry.gate is True else entry.gate or None,
            deletes=_deletes(entry.deletes),
            deadline=entry.deadline,
            promised_of=promise.reader(entry.deadline) if entry.deadline else promise.nothing,
        )

    def _add(self, code: str, message: str, *path: str | int, hint: str = "", warning: bool = False) -> None:
        self._files.add(code, message, self._route.place(*path), hint, warning=warning)

    def _system(self, name: str, key: str) -> SystemSettings | None:
        if name not in self._systems and name not in self._files.named:
            hint = (
                suggest(name, {*self._systems, *self._files.named}) or f"configured: {', '.join(sorted(self._systems)) or 'none'}"
            )
            self._add("HUB-C-140", f"there is no system {name!r}", key, hint=hint)
        return self._systems.get(name)

    def _source(self, system: SystemSettings | None) -> None:
        if system is None:
            return
        if not system.kinds:
            self._add(
                "HUB-C-149",
                f"the system {system.name!r} has nothing to read",
                "from",
                hint="configure what it reads, or name another source",
            )
        elif self._entry.kind not in system.kinds:
            hint = suggest(self._entry.kind, system.kinds) or f"it reads: {', '.join(sorted(system.kinds))}"
            self._add("HUB-C-142", f"the system {system.name!r} reads no kind {self._entry.kind!r}", "kind", hint=hint)
        elif schema := system.schemas.get(self._entry.kind):
            self._paths(schema)

    def _paths(self, schema: Contract) -> None:
        named: list[tuple[tuple[str, ...], str]] = [(("lane",), self._entry.lane)]
        named += [(("parent", "key"), self._entry.parent.key)] if self._entry.parent else []
        named += [(("deadline",), self._entry.deadline)] if self._entry.deadline else []
        named += [(("when",), path) for path in paths.of_condition(self._entry.when)]
        for where, path in named:
            if not paths.known(path, schema):
                self._add(
                    "HUB-C-148",
                    f"the source schema has no field {path!r}",
                    *where,
                    hint=suggest(path, schema.schema.get("properties", ())),
                )

    def _sink(self, system: SystemSettings | None) -> None:
        if system is None:
            return
        if not system.endpoints:
            self._add(
                "HUB-C-149",
                f"the system {system.name!r} takes nothing",
                "to",
                hint="configure its endpoints, or name another system",
            )
        elif self._endpoint not in system.endpoints:
            hint = suggest(self._endpoint, system.endpoints) or f"it takes: {', '.join(sorted(system.endpoints))}"
            self._add("HUB-C-141", f"the system {system.name!r} has no endpoint {self._endpoint!r}", "to", hint=hint)

    def _mapping(self) -> FieldMapping | None:
        name = self._entry.mapping
        mapping = self._mappings.mappings.get(name)
        if mapping is None and not (self._files.directory / "mappings" / f"{name}.yaml").exists():  # else its own findings say why
            hint = suggest(name, self._mappings.mappings) or f"write mappings/{name}.yaml"
            self._add("HUB-C-143", f"there is no mapping {name!r}", "mapping", hint=hint)
        return mapping

    def _fits(self, mapping: FieldMapping, source: SystemSettings | None) -> None:
        row, schema = self._entry.row, source.schemas.get(self._entry.kind) if source else None
        if row is not None and row not in mapping.spec.fields:
            self._add("HUB-C-154", f"the mapping makes no field {row!r}", "row", hint=suggest(row, mapping.spec.fields))
        self._keys_as_they_are(mapping)
        if schema is not None and mapping.spec.source not in (None, schema.name):
            message = f"the mapping is written for {mapping.spec.source}, the records are {schema.name}"
            self._add("HUB-C-162", message, "mapping", warning=True)

    def _keys_as_they_are(self, mapping: FieldMapping) -> None:
        """Refuse to change characters in what the far side tells records apart by."""
        keys = {self._entry.lane, *([self._entry.parent.key] if self._entry.parent else [])}
        named = {name for name, spec in mapping.spec.fields.items() if spec.path in keys} | {self._entry.row}
        for name in sorted(one for one in named if one and mapping.replacement and mapping.replacement.covers(one)):
            hint = f"write x-replace: false at {name} in mappings/contracts/{mapping.contract.name}.yaml"
            self._add("HUB-C-163", f"{name} is a key, and the contract would replace characters in it", "mapping", hint=hint)

    def _when(self) -> Callable[[Mapping[str, Any]], bool] | None:
        if self._entry.when is None:
            return _always
        try:
            return condition(self._entry.when)
        except ValueError as error:
            self._add("HUB-C-151", str(error), "when")
            return None


def _always(data: Mapping[str, Any]) -> bool:
    return True


def _deletes(said: bool | DeletesEntry) -> DeletesSettings | None:
    entry = DeletesEntry() if said is True else said
    return DeletesSettings(entry.at_most, entry.always, entry.approver) if entry else None


def _none(data: Mapping[str, Any]) -> str | None:
    return None
