"""Decides which files make up a configuration, and reads them: strict YAML, variables filled in, checked against their classes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from hub import documents
from hub.documents import Document
from hub.errors import ConfigurationError
from hub.model import Finding, Json, Place
from hub.settings.fill import Fill, read_env
from hub.settings.salvage import salvage
from hub.settings.schema import HubFile, RoutesFile, SystemFile
from hub.settings.vocabulary import QualityFile

F = TypeVar("F", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Read(Generic[F]):
    """One file that fits its class: what it says, the text as filled in, and the text as written (for places and secrets)."""

    entry: F
    filled: Document
    written: Document

    def place(self, *path: str | int) -> Place:
        """Return where `path` stands in the file."""
        return self.written.place(path)


@dataclass(slots=True)
class Files:
    """All files of `config/` that could be read, and everything found wrong on the way."""

    directory: Path
    found: list[Finding] = field(default_factory=list)
    hub: Read[HubFile] | None = None
    systems: list[Read[SystemFile]] = field(default_factory=list)
    routes: list[Read[RoutesFile]] = field(default_factory=list)
    quality: Read[QualityFile] | None = None
    named: set[str] = field(default_factory=set)  # systems and routes named anywhere, also in files with findings

    def add(self, code: str, message: str, place: Place, hint: str = "", *, warning: bool = False) -> None:
        """Add one finding."""
        self.found.append(Finding(code, message, place, hint, warning))


def read(directory: Path, env: Mapping[str, str], env_file: Path | None) -> Files:
    """Read every file of `directory`/config. Raises ConfigurationError only when there is no config/hub.yaml at all."""
    config = directory / "config"
    files = Files(directory)
    if not (config / "hub.yaml").is_file():
        hint = "name the directory that holds config/ with -c, or make one with hub init"
        raise ConfigurationError([Finding("HUB-C-130", f"there is no config/hub.yaml in {directory}", hint=hint)])
    known = _variables(files, env, env_file)
    files.hub = next(_each(files, [config / "hub.yaml"], HubFile, known), None)
    files.systems.extend(_each(files, _listed(files, config / "systems"), SystemFile, known))
    files.routes.extend(_each(files, _listed(files, config / "routes"), RoutesFile, known))
    if (config / "quality.yaml").is_file():
        files.quality = next(_each(files, [config / "quality.yaml"], QualityFile, known), None)
    return files


def _variables(files: Files, env: Mapping[str, str], env_file: Path | None) -> Mapping[str, str]:
    path = env_file or files.directory / "config" / "hub.env"
    if env_file is None and not path.exists():
        return env
    return {**read_env(path, shown(path, files.directory), files.found), **env}


def _listed(files: Files, directory: Path) -> list[Path]:
    for stray in sorted(directory.glob("*.yml")):
        files.add("HUB-C-135", "this file is not read", Place(shown(stray, files.directory)), "end its name in .yaml", warning=True)
    return [path for path in sorted(directory.glob("*.yaml")) if not path.name.startswith(".")]


def _each(files: Files, paths: Sequence[Path], entry: type[F], env: Mapping[str, str]) -> Iterator[Read[F]]:
    for path in paths:
        try:
            written = documents.read(path, files.directory)
        except ConfigurationError as error:
            files.found.extend(error.findings)
            files.named.add(path.stem)  # a system's file bears its name: who mentions it is not at fault
            continue
        filled = Fill(env, path.parent, files.found).document(written)
        files.named |= _names(filled.data)
        try:
            yield Read(entry.model_validate(filled.data), filled, written)
        except ValidationError as error:
            files.found.extend(documents.findings(error, filled, model=entry))
            if (rest := salvage(entry, filled.data, error, path.stem)) is not None:
                yield Read(rest, filled, written)


def _names(data: Json) -> set[str]:
    """Return the ids a file gives, so that a file with findings does not make every mention of its ids a finding too."""
    if not isinstance(data, dict):
        return set()
    routes = data.get("routes")
    entries = [data, *(entry for entry in (routes if isinstance(routes, list) else ()) if isinstance(entry, dict))]
    return {name for entry in entries for key in ("system", "route") if isinstance(name := entry.get(key), str)}


def shown(path: Path, directory: Path) -> str:
    """Return how findings name a file: relative to the directory when it lies there."""
    try:
        return path.resolve().relative_to(directory.resolve()).as_posix()
    except ValueError:
        return str(path)


def digest(directory: Path) -> str:
    """Return a digest of all files below config/ and mappings/ as written, hub.env and other secrets left out."""
    whole = hashlib.sha256()
    written = ("config/**/*.yaml", "config/wsdl/**/*", "mappings/**/*")
    for path in sorted(path for pattern in written for path in directory.glob(pattern)):
        if path.is_file():
            whole.update(f"{shown(path, directory)}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
