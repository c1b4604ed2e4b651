"""The files adapter over SFTP, against a real server of another make (asyncssh; the adapter uses paramiko)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from adapters.files import FilesAdapter
from adapters.files.options import FilesOptions
from tests.conformance.test_files_disk import BY_WINDOW, COLUMNS, FIELDS, MOVED, DiskSink, DiskSource
from tests.sftp import PASSWORD, USER, SftpServer


class OverSftp:
    server: SftpServer

    @pytest.fixture(autouse=True)
    def peer(self, far_side: None) -> Iterator[None]:
        self.server = SftpServer(self.root)  # type: ignore[attr-defined]
        yield
        self.server.close()

    def login(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": USER,
            "password": PASSWORD,
            "host_key": self.server.host_key,
            "directory": "/",
            "timeout": "10s",
        }

    def go_down(self) -> None:
        self.server.go_down()

    def come_back(self) -> None:
        self.server.come_back()


class SftpSink(OverSftp, DiskSink):
    window: ClassVar[int] = 20

    @pytest.fixture
    def subject(self, peer: None) -> Iterator[Any]:
        subject = self.adapter()
        yield subject
        subject.close()

    def adapter(self) -> FilesAdapter:
        endpoint = {"encoding": self.encoding, "columns": COLUMNS, **self.settings}
        return FilesAdapter(FilesOptions.model_validate({"sftp": self.login(), "endpoints": {"accept": endpoint}}), system="sftp")


class TestCsvByMessageOverSftp(SftpSink):
    settings: ClassVar[dict[str, Any]] = {"format": "csv", "path": "{batch}/{id}.csv", "proof": "file"}


class TestXmlWithLedgerOverSftp(SftpSink):
    encoding: ClassVar[str] = "gb18030"
    settings: ClassVar[dict[str, Any]] = {"format": "xml", "path": "out/{id}.xml", "proof": "ledger", "manifest": {}}


class TestCsvByWindowOverSftp(SftpSink):
    leaves_out: ClassVar[frozenset[str]] = BY_WINDOW
    settings: ClassVar[dict[str, Any]] = {"format": "csv", "path": "out/{id}.csv", "per": "batch", "proof": "file", "manifest": {}}


class SftpSource(OverSftp, DiskSource):
    def adapter(self) -> FilesAdapter:
        settings = {**super().adapter()._options.feeds["case"].model_dump(exclude_unset=True), "columns": FIELDS}
        return FilesAdapter(FilesOptions.model_validate({"sftp": self.login(), "feeds": {"case": settings}}), system="sftp")


class TestCsvThatStaysOverSftp(SftpSource): ...


class TestCsvMovedAwayOverSftp(SftpSource):
    settings: ClassVar[dict[str, Any]] = MOVED
