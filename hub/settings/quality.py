"""Decides whether config/quality.yaml fits the sources it speaks of: their kinds, and the fields of their schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.documents import suggest
from hub.settings import paths
from hub.settings.files import Files, Read
from hub.settings.model import PartSettings, QualitySettings, SystemSettings, TermsSettings
from hub.settings.vocabulary import PARTS, PartEntry, QualityFile

Step = str | int


def build(files: Files, systems: Mapping[str, SystemSettings]) -> QualitySettings | None:
    """Return what the quality report reads; None where there is no config/quality.yaml or it has findings."""
    if files.quality is None:
        return None
    entry = files.quality.entry
    parts = [one for source in entry.sources for one in _parts(files, files.quality, source, systems)]
    terms = entry.terms.model_dump()
    return QualitySettings(tuple(parts), TermsSettings(**{**terms, "fillers": frozenset(terms["fillers"])}))


def _parts(files: Files, read: Read[QualityFile], source: str, systems: Mapping[str, SystemSettings]) -> Iterator[PartSettings]:
    if source not in systems and source not in files.named:
        hint = suggest(source, systems) or f"configured: {', '.join(sorted(systems)) or 'none'}"
        files.add("HUB-C-140", f"there is no system {source!r}", read.place("sources", source), hint)
    system = systems.get(source)
    for name in PARTS:
        part: PartEntry | None = getattr(read.entry.sources[source], name)
        if part is None:
            continue
        if system is not None:
            _fits(files, read, (source, name), part, system)
        yield _settings(source, name, part)


def _settings(source: str, name: str, part: PartEntry) -> PartSettings:
    return PartSettings(
        source=source,
        part=name,
        kind=part.kind,
        paths={field: path for field in part.paths if (path := getattr(part, field))},
        codes={field: frozenset(getattr(part, field)) for field in part.codes},
        fillers=tuple(part.fillers),
        pairs={str(position): frozenset(actions) for position, actions in getattr(part, "pairs", {}).items()},
    )


def _fits(files: Files, read: Read[QualityFile], where: tuple[str, str], part: PartEntry, system: SystemSettings) -> None:
    if part.kind not in system.kinds:
        hint = suggest(part.kind, system.kinds) or f"it reads: {', '.join(sorted(system.kinds)) or 'nothing'}"
        files.add(
            "HUB-C-142", f"the system {system.name!r} reads no kind {part.kind!r}", read.place("sources", *where, "kind"), hint
        )
    schema = system.schemas.get(part.kind)
    for step, path in _named(part) if schema else ():
        if schema and not paths.known(path, schema):
            hint = suggest(path, schema.schema.get("properties", ()))
            files.add("HUB-C-148", f"the source schema has no field {path!r}", read.place("sources", *where, *step), hint)


def _named(part: PartEntry) -> Iterator[tuple[tuple[Step, ...], str]]:
    for field in part.paths:
        if path := getattr(part, field):
            yield (field,), path
    for index, path in enumerate(part.fillers):
        yield ("fillers", index), path
