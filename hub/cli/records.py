"""Decides where the records of a preview come from: the source itself, read from its beginning, or a file of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from hub.errors import HubError
from hub.model import Json, Operation, Page, Record, Unreadable
from hub.ports import Source
from hub.settings import RouteSettings, Settings

#: Far more than anybody previews.
MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """Records to show, how many others the route does not want, whether the source may have more, and rows that are no records."""

    records: list[Record]
    unwanted: int = 0
    more: bool = False
    faults: tuple[Unreadable, ...] = ()


def of_source(settings: Settings, route: RouteSettings, key: str | None, limit: int) -> Found:
    """Read the source's first page; find the records this route wants, or the ones with this key, wanted or not.

    Asking for a second page would tell the source that the first is safe here: rows would be marked as taken, files moved away, and
    no run would ever see them. Raises SourceFailed.
    """
    adapter = settings.systems[route.source].open_for(route.kind)
    try:
        if not isinstance(adapter, Source):
            raise HubError("HUB-C-149", f"the system {route.source!r} has nothing to read")
        with closing(cast("Generator[Page, None, None]", adapter.read(None))) as pages:
            first = next(pages, None)
    finally:
        adapter.close()
    records = [record for record in (first.records if first else ()) if record.kind == route.kind and key in (None, record.key)]
    wanted = [record for record in records if key is not None or route.when(record.data)]
    return Found(
        wanted[:limit], len(records) - len(wanted), first is not None and len(wanted) < limit, first.faults if first else ()
    )


def of_file(path: Path, route: RouteSettings, key: str | None, limit: int) -> Found:
    """Return the records of a JSON file (an object, a list of objects, or one object a line; `-` is stdin).

    An object with a `data` object is a whole record (kind, key, revision, operation, data), any other is the data itself.
    """
    rows = _rows(_text(path), path)
    records = (record for row in rows if (record := _record(row, route)).kind == route.kind and key in (None, record.key))
    return Found(list(islice(records, limit)))


def _text(path: Path) -> str:
    try:
        if str(path) == "-":
            return sys.stdin.read(MAX_FILE_BYTES)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise HubError("HUB-X-105", f"{path} is larger than {MAX_FILE_BYTES} bytes")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise HubError("HUB-X-105", f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HubError("HUB-X-105", f"{path} is not UTF-8") from error


def _rows(text: str, path: Path) -> Iterator[dict[str, Json]]:
    try:
        whole = json.loads(text)
        rows = whole if isinstance(whole, list) else [whole]
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        rows = [_line(line, path, error) for line in lines]
    for row in rows:
        if not isinstance(row, dict):
            raise HubError("HUB-X-105", f"{path}: every record is a JSON object")
        yield row


def _line(line: str, path: Path, whole: json.JSONDecodeError) -> Json:
    try:
        return json.loads(line)
    except json.JSONDecodeError:  # tell what was wrong with the whole: one broken object is the usual case
        raise HubError("HUB-X-105", f"{path}:{whole.lineno}:{whole.colno} is not JSON: {whole.msg}") from None


def _record(row: dict[str, Json], route: RouteSettings) -> Record:
    if isinstance(row.get("data"), dict):
        operation = str(row.get("operation", Operation.UPDATE.value))
        if operation not in {one.value for one in Operation}:
            raise HubError("HUB-X-105", "operation is one of I, U, D")
        kind, key = str(row.get("kind", route.kind)), str(row.get("key", ""))
        return Record(kind, key, str(row.get("revision", "")), row["data"], Operation(operation))
    return Record(route.kind, route.lane_of(row) or "", "", row)
