"""Decides which mappings there are: reads a whole `mappings/` directory, and refuses it with every finding at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hub.documents import Document, findings, read, suggest
from hub.errors import ConfigurationError
from hub.mapping import codes as code_tables
from hub.mapping import origins, replacing
from hub.mapping import schema as schemas
from hub.mapping.codes import CodeTable
from hub.mapping.compiling import Compiler
from hub.mapping.contract import Contract
from hub.mapping.issues import Label
from hub.mapping.lint import Bench, checks, lint
from hub.mapping.mapping import Mapping, digest
from hub.mapping.runtime import Coding
from hub.mapping.spec import Case, CasesSpec, FieldSpec, MappingSpec, walk
from hub.model import Finding, Place

#: Modules that register transforms and checks of their own (`@transform`, `@check`).
ENTRY_POINT_GROUP = "gansu_exchange_hub.vocabulary"
_OWN = ("contracts", "schemas", "codes")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class MappingSet:
    """All mappings, contracts, source schemas, code tables and cases of one directory, by name (`province/accept`).

    `warnings` are findings that do not forbid work. `gaps` counts codes met in records and not found: (table, local code) -> times.
    """

    mappings: dict[str, Mapping] = field(default_factory=dict)
    schemas: dict[str, Contract] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    codes: dict[str, CodeTable] = field(default_factory=dict)
    cases: dict[str, list[Case]] = field(default_factory=dict)
    warnings: list[Finding] = field(default_factory=list)
    gaps: Counter[tuple[str, str]] = field(default_factory=Counter)


def load(directory: Path) -> MappingSet:
    """Read and compile everything in `directory`. Raises ConfigurationError with every finding; mere warnings are kept."""
    loading = _Loading(directory)
    loading.read()
    errors = [one for one in loading.found if not one.warning]
    if errors:
        raise ConfigurationError([*errors, *(one for one in loading.found if one.warning)])
    loading.made.warnings.extend(loading.found)
    return loading.made


@dataclass(slots=True)
class _Loading:
    directory: Path
    made: MappingSet = field(default_factory=MappingSet)
    found: list[Finding] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  # contracts and schemas that are there, but not fit to judge by

    def read(self) -> None:
        """Read everything, dependencies first."""
        self._plugged()
        if not self.directory.is_dir():
            self.found.append(Finding("HUB-C-102", "there is no such directory", Place(str(self.directory))))
        self._tables()
        self._contracts("contracts", self.made.contracts)
        self._contracts("schemas", self.made.schemas)
        documents = dict(self._documents(self.directory, self._mapping_files()))
        for name, document in documents.items():
            if not name.endswith(".cases"):
                self._mapping(name, document)
        for name, document in documents.items():
            if name.endswith(".cases"):
                self._cases(name.removesuffix(".cases"), document)
        self._without_cases()

    def _plugged(self) -> None:
        """Import what other distributions add to the vocabulary."""
        for point in entry_points(group=ENTRY_POINT_GROUP):
            try:
                point.load()
            except Exception as error:  # another's code: whatever it raises must not hide the other findings
                message = f"the entry point {point.name} ({point.value}) cannot be imported: {type(error).__name__}: {error}"
                self.found.append(Finding("HUB-M-219", message, Place(point.dist.name if point.dist else "")))

    def _mapping_files(self) -> list[Path]:
        return [path for path in _files(self.directory, "*.yaml") if path.relative_to(self.directory).parts[0] not in _OWN]

    def _documents(self, base: Path, files: list[Path], kind: str = "") -> Iterator[tuple[str, Document]]:
        for path in files:
            name = path.relative_to(base).with_suffix("").as_posix()
            try:
                yield name, read(path, self.directory.parent)
            except ConfigurationError as error:
                self.found += error.findings
                self.broken.add(f"{kind}/{name}" if kind else name)

    # --- contracts, schemas, tables ---

    def _contracts(self, kind: str, into: dict[str, Contract]) -> None:
        base = self.directory / kind
        for name, document in self._documents(base, _files(base, "*.yaml"), kind):
            found = schemas.findings(document)
            if any(not one.warning for one in found):
                self.broken.add(f"{kind}/{name}")
            else:
                into[name] = Contract(name, document.data)
                found += (
                    replacing.findings(document, into[name], self.made.codes) if kind == "contracts" else _reads_as_it_is(document)
                )
            self.found += found

    def _tables(self) -> None:
        base = self.directory / "codes"
        for path in _files(base, "*.csv"):
            name = path.relative_to(base).with_suffix("").as_posix()
            file = path.relative_to(self.directory.parent).as_posix()
            self.made.codes[name], found = code_tables.read(path, name, file)
            self.found += found

    # --- mappings ---

    def _mapping(self, name: str, document: Document) -> None:
        spec = self._validated(MappingSpec, document)
        if spec is None:
            self.broken.add(name)
            return
        contract = self._named(spec.contract, "contracts", self.made.contracts, document, "contract")
        source = self._named(spec.source, "schemas", self.made.schemas, document, "from") if spec.source else None
        bench = Bench(document, spec, contract, source, self.made.codes)
        made, found = checks(bench)
        found = [*lint(bench), *found]
        self.found += found
        if contract is None or any(not one.warning for one in found):
            self.broken.add(name)
            return
        self.made.mappings[name] = self._compiled(name, bench, contract, tuple(made))

    def _compiled(self, name: str, bench: Bench, contract: Contract, made: tuple[object, ...]) -> Mapping:
        named = {spec.code for _, _, spec in walk(bench.spec.fields) if spec.code}
        used = [self.made.codes[code] for code in sorted(named)]
        replacement = replacing.build(contract, self.made.codes)
        counted = [*used, *([self.made.codes[replacement.table]] if replacement else [])]
        codings = {table.name: Coding(table.name, table.targets, self.made.gaps) for table in used}

        personal = origins.personal(bench.spec.fields, bench.source)

        def label(keys: tuple[str, ...], spec: FieldSpec) -> Label:
            known = contract.label(keys)
            return replace(known, personal=known.personal or personal.get(keys))

        run, source_code = Compiler(codings, label).compile(name, bench.spec.fields)
        known = digest(bench.document.data, contract, counted)
        return Mapping(name, bench.spec, contract, made, known, source_code, run, replacement, personal)  # type: ignore[arg-type]

    def _named(self, name: str, kind: str, known: dict[str, Contract], document: Document, key: str) -> Contract | None:
        if name not in known and f"{kind}/{name}" not in self.broken:
            message = f"there is no mappings/{kind}/{name}.yaml"
            self.found.append(Finding("HUB-M-213", message, document.place((key,)), suggest(name, known)))
        return known.get(name)

    def _validated(self, model: type[M], document: Document) -> M | None:
        try:
            return model.model_validate(document.data)
        except ValidationError as error:
            self.found += findings(error, document, model=model)
            return None

    # --- cases ---

    def _cases(self, name: str, document: Document) -> None:
        spec = self._validated(CasesSpec, document)
        if spec is None:
            self.made.cases[name] = []
            return
        self.made.cases[name] = spec.cases
        if name in self.made.mappings:
            self.found += _strange(spec, self.made.mappings[name], document)
        elif name not in self.broken:
            self.found.append(
                Finding("HUB-M-208", f"there is no mapping {name}", document.place(), suggest(name, self.made.mappings))
            )

    def _without_cases(self) -> None:
        for name in self.made.mappings:
            if name not in self.made.cases:
                file = f"{self.directory.name}/{name}.yaml"
                hint = f"write {self.directory.name}/{name}.cases.yaml"
                self.found.append(Finding("HUB-M-207", "the mapping has no cases", Place(file), hint, warning=True))


def _strange(spec: CasesSpec, mapping: Mapping, document: Document) -> Iterator[Finding]:
    """Find expected fields the mapping does not have."""
    for index, case in enumerate(spec.cases):
        for word in ("expect", "exactly"):
            for name in getattr(case, word) or {}:
                if name not in mapping.spec.fields:
                    place = document.place(("cases", index, word, name))
                    yield Finding("HUB-M-208", f"the mapping has no field {name}", place, suggest(name, mapping.spec.fields))


def _reads_as_it_is(document: Document) -> Iterator[Finding]:
    if "x-replace" in document.data:
        yield Finding(
            "HUB-M-214", "a source schema replaces nothing: x-replace belongs into contracts", document.place(("x-replace",))
        )


def _files(directory: Path, pattern: str) -> list[Path]:
    return sorted(path for path in directory.rglob(pattern) if path.is_file())
