"""Decides whether the datasets (库) and platforms (平台) of config/hub.yaml name what is there, each member in one group only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.documents import suggest
from hub.settings.files import Files
from hub.settings.model import DatasetSettings, PlatformSettings, SystemSettings


def datasets(files: Files, systems: Mapping[str, SystemSettings]) -> tuple[DatasetSettings, ...]:
    """Return the datasets with their kinds as (source, kind); a kind without a source stands for that of every source."""
    taken: dict[tuple[str, str], str] = {}
    return tuple(
        DatasetSettings(name, entry.title, tuple(_kinds(files, name, entry.kinds, systems, taken)), entry.note)
        for name, entry in (files.hub.entry.datasets.items() if files.hub else ())
    )


def platforms(files: Files, systems: Mapping[str, SystemSettings]) -> tuple[PlatformSettings, ...]:
    """Return the platforms with their systems, in the order of the file."""
    taken: dict[str, str] = {}
    return tuple(
        PlatformSettings(name, entry.title, tuple(_systems(files, name, entry.systems, systems, taken)), entry.note)
        for name, entry in (files.hub.entry.platforms.items() if files.hub else ())
    )


def _kinds(
    files: Files, name: str, written: list[str], systems: Mapping[str, SystemSettings], taken: dict[tuple[str, str], str]
) -> Iterator[tuple[str, str]]:
    broken = any(one.place.file.startswith("config/systems/") and not one.warning for one in files.found)  # it may be theirs
    known = {kind for system in systems.values() for kind in system.kinds}
    whole = {f"{system.name}/{kind}" for system in systems.values() for kind in system.kinds}
    for index, one in enumerate(written):
        found = [
            (source, kind)
            for source, _, kind in (each.partition("/") for each in sorted(whole))
            if one in (kind, f"{source}/{kind}")
        ]
        if not found and not broken:
            hint = suggest(one, known | whole) or f"there are: {', '.join(sorted(known)) or 'none'}"
            _add(files, "HUB-C-164", f"no source reads a kind {one!r}", ("datasets", name, "kinds", index), hint)
        for member in found:
            if taken.setdefault(member, name) != name:
                message = f"the kind {'/'.join(member)} stands in the dataset {taken[member]!r} too"
                _add(files, "HUB-C-165", message, ("datasets", name, "kinds", index), "leave it in one of them")
        yield from found


def _systems(
    files: Files, name: str, written: list[str], systems: Mapping[str, SystemSettings], taken: dict[str, str]
) -> Iterator[str]:
    for index, one in enumerate(written):
        where = ("platforms", name, "systems", index)
        if one not in systems and one not in files.named:
            hint = suggest(one, {*systems, *files.named}) or f"configured: {', '.join(sorted(systems)) or 'none'}"
            _add(files, "HUB-C-140", f"there is no system {one!r}", where, hint)
        elif taken.setdefault(one, name) != name:
            _add(
                files, "HUB-C-165", f"the system {one} stands in the platform {taken[one]!r} too", where, "leave it in one of them"
            )
        yield one


def _add(files: Files, code: str, message: str, where: tuple[str | int, ...], hint: str) -> None:
    assert files.hub is not None  # it is where the groups stand
    files.add(code, message, files.hub.place(*where), hint)
