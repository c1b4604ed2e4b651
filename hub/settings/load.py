"""Decides whether a directory is a valid configuration: reads all of it, checks it as a whole, and tells every finding at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from hub import mapping
from hub.errors import ConfigurationError
from hub.mapping import MappingSet
from hub.model import Finding
from hub.settings import files as files_
from hub.settings import groups, quality, routes, secrets, systems, unread
from hub.settings.files import Files, Read
from hub.settings.model import HttpSettings, Settings
from hub.settings.schema import HttpEntry, HubFile


def load(directory: Path, *, env: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Return the checked configuration of the directory that holds `config/` and `mappings/`.

    `env` is the process environment unless given; it wins over `env_file` (config/hub.env unless given). Relative paths in options
    and in the store's SQLite URL start at `directory`. Opens no connection. Raises ConfigurationError with every finding, warnings
    included; warnings alone are left in `Settings.warnings`.
    """
    directory = directory.resolve()
    files = files_.read(directory, os.environ if env is None else env, env_file)
    mappings = _mappings(files)
    built = systems.build(files, mappings)
    found_routes = routes.build(files, built, mappings)
    unread.warn(files, built)
    grouped = groups.datasets(files, built), groups.platforms(files, built)
    report = quality.build(files, built)
    store = _store(files)
    http = _http(files)
    _tell(files)
    hub = files.hub
    assert hub is not None  # without it there is a finding, and _tell raised
    return Settings(
        name=hub.entry.name,
        title=hub.entry.title,
        division=hub.entry.division,
        timezone=ZoneInfo(hub.entry.timezone),
        store=store,
        http=http,
        systems=built,
        routes=found_routes,
        mappings=mappings,
        directory=directory,
        digest=files_.digest(directory),
        warnings=tuple(files.found),
        datasets=grouped[0],
        platforms=grouped[1],
        quality=report,
    )


def _mappings(files: Files) -> MappingSet:
    try:
        mappings = mapping.load(files.directory / "mappings")
    except ConfigurationError as error:
        files.found.extend(error.findings)
        return mapping.MappingSet()
    files.found.extend(mappings.warnings)
    return mappings


def _tell(files: Files) -> None:
    files.found.sort(key=_order)
    if any(not finding.warning for finding in files.found):
        raise ConfigurationError(files.found)


def _order(finding: Finding) -> tuple[bool, str, int, int, str]:
    return finding.warning, finding.place.file, finding.place.line, finding.place.column, finding.code


def _store(files: Files) -> str:
    """Return the store's URL with a relative SQLite path made absolute."""
    if files.hub is None:
        return ""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    place = files.hub.place("store")
    try:
        url = make_url(files.hub.entry.store)
    except (ArgumentError, ValueError):  # a ValueError when a password's @ or colon makes the rest of it the port
        files.add(
            "HUB-C-152",
            "the store is no SQLAlchemy URL",
            place,
            "for example sqlite:///var/hub.db or postgresql+psycopg://user@host/db",
        )
        return ""
    if url.password and "${" not in str(files.hub.written.data.get("store", "")):
        secrets.warn_at(files, files.hub, ("store",))
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        url = url.set(database=str(files.directory / url.database))
    return url.render_as_string(hide_password=False)


def _http(files: Files) -> HttpSettings:
    if files.hub is None:
        return HttpSettings()
    entry = files.hub.entry.http
    _guarded(files, files.hub, entry)
    secrets.warn(files, files.hub, entry, ("http",))
    return HttpSettings(entry.listen, entry.port, entry.token)


def _guarded(files: Files, hub: Read[HubFile], entry: HttpEntry) -> None:
    """Refuse to listen where others can reach it without a token: open hubs end up on the internet."""
    if entry.token is None and entry.for_others:
        hint = "set http.token, or listen on 127.0.0.1"
        files.add("HUB-C-153", f"listening on {entry.listen} needs a token", hub.place("http", "listen"), hint)
