"""Decides which sources are configured to no purpose: kinds that no route takes, systems that no schedule reads."""

from __future__ import annotations

from collections.abc import Mapping

from hub.settings.files import Files, Read
from hub.settings.model import SystemSettings
from hub.settings.schema import SystemFile


def warn(files: Files, systems: Mapping[str, SystemSettings]) -> None:
    """Add a warning for every kind without a route and for every system that is read by hand only.

    None while there are errors: what seems to be missing may stand in a file that cannot be read.
    """
    if any(not one.warning for one in files.found):
        return
    routed = {(entry.source, entry.kind) for read in files.routes for entry in read.entry.routes}
    for read in files.systems:
        system = systems.get(read.entry.system)
        if system is None or not system.kinds:
            continue
        _unrouted(files, read, system, routed)
        if system.reads and system.schedule is None and read.entry.schedule is None:
            message = f"the system {system.name!r} has no schedule, so only hub sync reads it"
            files.add("HUB-C-167", message, read.place("options"), 'write schedule: {cron: "*/5 * * * *"}', warning=True)


def _unrouted(files: Files, read: Read[SystemFile], system: SystemSettings, routed: set[tuple[str, str]]) -> None:
    for kind in sorted(system.kinds):
        if (system.name, kind) not in routed:
            message = f"no route takes the kind {kind!r} of {system.name!r}: it is read, and goes nowhere"
            hint = f"write a route from: {system.name}, kind: {kind}, or remove the kind"
            files.add("HUB-C-166", message, read.place("options", "feeds", kind), hint, warning=True)
