"""Decides whether a system's file makes a usable system: its adapter, the adapter's options, its schedule and source schemas."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from hub import documents, registry
from hub.errors import HubError
from hub.model import Guarantees
from hub.ports import Adapter, Feedback, Options, Receiver, Source
from hub.settings import limits, secrets
from hub.settings.files import Files, Read
from hub.settings.model import ExpectSettings, ScheduleSettings, SystemSettings
from hub.settings.schema import ScheduleEntry, SystemFile

if TYPE_CHECKING:
    from hub.mapping import Contract, MappingSet


def build(files: Files, mappings: MappingSet) -> dict[str, SystemSettings]:
    """Return the usable systems by name; what is wrong with the others is added to `files.found`."""
    systems: dict[str, SystemSettings] = {}
    first: dict[str, Read[SystemFile]] = {}
    for read in files.systems:
        name = read.entry.system
        if name in first:
            files.add(
                "HUB-C-146",
                f"the system {name!r} is described twice",
                read.place("system"),
                f"first in {first[name].place('system')}",
            )
            continue
        first[name] = read
        if (system := _system(files, read, mappings)) is not None:
            systems[name] = system
    return systems


@dataclass(frozen=True, slots=True)
class _Known:
    """What an adapter says about itself once it is constructed."""

    adapter_class: type[Adapter]
    options: Options
    kinds: frozenset[str]
    endpoints: frozenset[str]
    guarantees: Guarantees
    tells_later: bool
    reads: bool
    pushes: bool


def _system(files: Files, read: Read[SystemFile], mappings: MappingSet) -> SystemSettings | None:
    entry = read.entry
    schedule = _schedule(files, read, entry.schedule) if entry.schedule else None
    known = _known(files, read)
    if known is None:
        return None
    secrets.warn(files, read, known.options, ("options",))
    if known.pushes:
        secrets.guard(files, read, known.options, ("options",))
    _promises(files, read, known)
    return SystemSettings(
        name=entry.system,
        title=entry.title,
        adapter=entry.adapter,
        adapter_class=known.adapter_class,
        options=known.options,
        batch=entry.batch,
        in_flight=entry.in_flight,
        partitions=entry.partitions,
        retry=entry.retry,
        jitter=entry.jitter,
        schedule=schedule,
        schemas=_schemas(files, read, known.kinds, mappings),
        feedback_every=entry.feedback.every if entry.feedback else None,
        contact=entry.contact,
        flow=limits.build(files, read),
        kinds=known.kinds,
        endpoints=known.endpoints,
        reads=known.reads,
        pushes=known.pushes,
        expect=_expect(files, read, known.kinds),
    )


def _known(files: Files, read: Read[SystemFile]) -> _Known | None:
    """Load the class, check the options, and construct once: only then an adapter's own checks have run. It opens nothing."""
    try:
        kind = registry.load(read.entry.adapter)
        options = kind.options.model_validate(read.entry.options, context={"base": files.directory})
        return _asked(kind, options, read.entry.system)
    except ValidationError as error:
        files.found.extend(documents.findings(error, read.filled, ("options",), model=kind.options))
    except HubError as error:
        about = "adapter" if error.code in {"HUB-C-120", "HUB-C-121"} else "options"
        files.add(error.code, error.message, read.place(about), error.hint)
    except (ValueError, ImportError) as error:
        files.add("HUB-C-122", f"the adapter refuses its options: {error}", read.place("options"))
    except Exception as error:  # somebody's adapter is broken; its words may quote a secret, so only the place is told
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = f"the adapter broke while it was set up: {type(error).__name__} at {frame.filename}:{frame.lineno}"
        files.add("HUB-C-123", message, read.place("adapter"))
    return None


def _asked(kind: type[Adapter], options: Options, system: str) -> _Known:
    adapter = kind(options, system=system)
    try:
        told = adapter.kinds(), adapter.endpoints(), adapter.guarantees()
        roles = (isinstance(adapter, role) for role in (Feedback, Source, Receiver))
        return _Known(kind, options, *told, *roles)
    finally:
        adapter.close()


def _promises(files: Files, read: Read[SystemFile], known: _Known) -> None:
    entry, guarantees = read.entry, known.guarantees
    if entry.feedback and not known.tells_later:
        files.add(
            "HUB-C-155", f"the adapter {entry.adapter!r} cannot fetch later verdicts", read.place("feedback"), "remove feedback:"
        )
    if entry.schedule and not (known.kinds and known.reads):
        files.add(
            "HUB-C-149",
            "this system has a schedule but nothing to read",
            read.place("schedule"),
            "it pushes by itself: remove schedule:" if known.pushes else "configure what it reads, or remove schedule:",
        )
    calls = guarantees.in_flight * entry.partitions
    for name, cap, limit in (("batch", entry.batch, guarantees.batch), ("in_flight", entry.in_flight, calls)):
        if cap is not None and cap > limit:
            files.add(
                "HUB-C-161", f"{name}: the adapter allows {limit} at most, so {cap} has no effect", read.place(name), warning=True
            )


def _schedule(files: Files, read: Read[SystemFile], entry: ScheduleEntry) -> ScheduleSettings | None:
    from croniter import croniter

    if len(entry.cron.split()) != 5 or not croniter.is_valid(entry.cron):
        hint = 'five fields: minute hour day month weekday, for example "*/5 * * * *"'
        files.add("HUB-C-150", "this is not a cron expression", read.place("schedule", "cron"), hint)
        return None
    if not _comes(entry.cron):
        files.add("HUB-C-150", "this cron expression never comes", read.place("schedule", "cron"), "no calendar has such a day")
        return None
    return ScheduleSettings(entry.cron, entry.overlap, entry.misfire, entry.jitter or timedelta(0))


def _comes(cron: str) -> bool:
    """Tell whether a cron expression ever falls due: one that never does (30 February) would stop every schedule of the hub."""
    from croniter import croniter
    from croniter.croniter import CroniterBadDateError

    try:
        croniter(cron).get_next()
    except CroniterBadDateError:
        return False
    return True


def _schemas(files: Files, read: Read[SystemFile], kinds: frozenset[str], mappings: MappingSet) -> dict[str, Contract]:
    found: dict[str, Contract] = {}
    _known_kinds(files, read, "schemas", read.entry.schemas, kinds)
    for kind, name in read.entry.schemas.items():
        if name in mappings.schemas:
            found[kind] = mappings.schemas[name]
        elif not (files.directory / "mappings" / "schemas" / f"{name}.yaml").exists():  # else its own findings say why
            hint = documents.suggest(name, mappings.schemas) or f"write mappings/schemas/{name}.yaml"
            files.add("HUB-C-145", f"there is no schema {name!r}", read.place("schemas", kind), hint)
    return found


def _expect(files: Files, read: Read[SystemFile], kinds: frozenset[str]) -> dict[str, ExpectSettings]:
    _known_kinds(files, read, "expect", read.entry.expect, kinds)
    return {kind: ExpectSettings(one.at_least, one.per) for kind, one in read.entry.expect.items() if kind in kinds}


def _known_kinds(files: Files, read: Read[SystemFile], key: str, named: Iterable[str], kinds: frozenset[str]) -> None:
    for kind in named:
        if kind not in kinds:
            hint = documents.suggest(kind, kinds) or f"it reads: {', '.join(sorted(kinds)) or 'nothing'}"
            files.add("HUB-C-142", f"this system reads no kind {kind!r}", read.place(key, kind), hint)
