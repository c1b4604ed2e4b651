"""What the tests of incoming files share: a directory, one feed, and everything that was read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.files.collect import Inbox
from adapters.files.connect import share
from adapters.files.options import FilesOptions
from hub.model import Page, Record, Unreadable

COLUMNS = {"办件编号": "number", "申请人": "name"}
#: 2016-12-13 09:00 in Zhangxian.
NOW = 1_481_590_800.0


@dataclass
class Read:
    pages: list[Page]

    @property
    def records(self) -> list[Record]:
        return [record for page in self.pages for record in page.records]

    @property
    def data(self) -> list[dict[str, Any]]:
        return [dict(record.data) for record in self.records]

    @property
    def faults(self) -> list[Unreadable]:
        return [fault for page in self.pages for fault in page.faults]

    @property
    def fault(self) -> Unreadable:
        (fault,) = self.faults
        return fault

    @property
    def cursor(self) -> str | None:
        return self.pages[-1].cursor if self.pages else None


class Desk:
    """One feed over one directory, with a clock that stands still until told."""

    def __init__(self, root: Path, **feed: Any) -> None:
        self.root = root
        self.now = NOW
        settings = {"pattern": "*", "format": "csv", "columns": COLUMNS, "key": ["number"], "ready": {"age": "60s"}, **feed}
        options = FilesOptions.model_validate({"directory": root, "feeds": {"case": settings}})
        self.share = share(options)
        self.inbox = Inbox(self.share, options.feeds, lambda: self.now)

    def put(self, name: str, content: bytes | str, *, age: float = 3600) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (self.now - age, self.now - age))
        return path

    def read(self, cursor: str | None = None) -> Read:
        return Read(list(self.inbox.read(cursor)))
