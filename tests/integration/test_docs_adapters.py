"""docs/adapters.md is true: its files are written down and used, its adapter passes the conformance kit."""

from __future__ import annotations

import importlib.util
import json
import re
import socketserver
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance import SinkConformance
from hub import mapping, registry
from hub.documents import read
from hub.mapping import Envelope
from hub.model import Json, Message, Operation, Receipt, Taken

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"```(?:yaml|python)\n# (\S+\.(?:yaml|py))\n(.*?)```", re.DOTALL)


def written() -> dict[str, str]:
    """Return every file the page shows, by its name."""
    return dict(_BLOCK.findall((DOCS / "adapters.md").read_text(encoding="utf-8")))


def module(name: str, folder: Path) -> ModuleType:
    path = folder / name
    path.write_text(written()[name], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


# --- the walk-through ---


@pytest.fixture
def walked(tmp_path: Path) -> Path:
    """Write the page's files beside the shipped configuration's source schemas."""
    for name, text in written().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    schema = DOCS.parent / "mappings" / "schemas" / "local" / "case.yaml"
    kept = tmp_path / "mappings" / "schemas" / "local" / "case.yaml"
    kept.parent.mkdir(parents=True)
    kept.write_text(schema.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def wuyang(tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the page's stand-in; gives its address and the cases it holds."""
    stand_in = module("wuyang.py", tmp_path)
    stand_in.Wuyang.log_message = lambda *arguments: None
    with HTTPServer(("127.0.0.1", 0), stand_in.Wuyang) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", stand_in.cases
        server.shutdown()
        thread.join()


def test_the_walk_through_maps_and_delivers(walked: Path, wuyang: tuple[str, dict[str, Any]]) -> None:
    address, held = wuyang
    mappings = mapping.load(walked / "mappings")
    results = mapping.run_cases(mappings)
    assert len(results) == 2
    assert all(result.passed for result in results)
    data = {"BJBH": "6211252016001", "SXMC": "参保登记", "SQRMC": "张桂兰", "SBSJ": "2016-12-01 09:00:00"}
    now = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)
    envelope = Envelope(
        operation="I", batch="B1", time=now, key="6211252016001", revision="1", kind="case", system="wuyang", lane="6211252016001"
    )
    body, issues = mappings.mappings["wuyang/cases"].apply(data, envelope)
    assert issues == []
    assert body is not None
    system = read(walked / "config" / "systems" / "wuyang.yaml").data
    options = json.loads(json.dumps(system["options"]).replace("${WUYANG_URL:-http://127.0.0.1:8700}", address))
    adapter_class = registry.load(system["adapter"])
    adapter = adapter_class(adapter_class.options.model_validate(options), system="wuyang")
    message = Message(1, "cases", "case", body["no"], body["no"], Operation.INSERT, body, "idem-1", "B1", now)
    try:
        adapter.check()  # type: ignore[attr-defined]
        assert adapter.find(message) is None  # type: ignore[attr-defined]
        assert adapter.send([message]) == [Receipt(Taken.TAKEN, "WY-1")]  # type: ignore[attr-defined]
        assert adapter.send([message]) == [Receipt(Taken.DUPLICATE)]  # type: ignore[attr-defined]
        assert adapter.find(message) == Receipt()  # type: ignore[attr-defined]
    finally:
        adapter.close()
    assert held == {"6211252016001": body}


def test_every_piece_of_yaml_on_the_page_can_be_read(tmp_path: Path) -> None:
    for at, block in enumerate(re.findall(r"```yaml\n(.*?)```", (DOCS / "adapters.md").read_text(encoding="utf-8"), re.DOTALL)):
        for part, text in enumerate(re.split(r"(?m)^(?=auth:)", block)):
            piece = tmp_path / f"piece-{at}-{part}.yaml"
            piece.write_text(text, encoding="utf-8")
            read(piece)


# --- the adapter in fifty lines ---


class Lines(socketserver.StreamRequestHandler):
    """The far side of the page's adapter: keeps lines by their id, refuses those without number."""

    def handle(self) -> None:
        line = json.loads(self.rfile.readline() or b"{}")
        if not line:
            return
        if not line["number"]:
            self.wfile.write(b"NO number is empty\n")
            return
        self.server.held.setdefault(line["id"], line)  # type: ignore[attr-defined]
        self.wfile.write(b"OK\n")


class TestLineAdapter(SinkConformance):
    endpoint, text = "lines", "name"
    #: It promises no more than `idempotent`: one line at a time, nothing to look up.
    leaves_out: ClassVar[frozenset[str]] = frozenset(
        {
            "test_one_lane_keeps_its_order",
            "test_a_lane_stops_at_its_first_failure",
            "test_other_lanes_go_on",
            "test_the_same_messages_in_other_windows",
            "test_find_tells_taken_from_not_taken",
            "test_a_refused_message_is_not_found",
            "test_find_never_denies_what_it_cannot_see",
            "test_sends_at_once",
        }
    )

    @pytest.fixture(autouse=True)
    def far_side(self, tmp_path: Path) -> Iterator[None]:
        self.module = module("line_adapter.py", tmp_path)
        self.rows: dict[str, Mapping[str, Json]] = {}
        self.address = ("127.0.0.1", 0)
        self.server: socketserver.ThreadingTCPServer | None = None
        self.come_back()
        yield
        self.go_down()

    def adapter(self) -> Any:
        host, port = self.address
        return self.module.LineAdapter(self.module.LineOptions(host=host, port=port), system="line")

    def body(self, n: int) -> dict[str, Json]:
        return {"number": f"{n:06d}", "name": f"张{n}"}

    def held(self) -> list[tuple[str, Mapping[str, Json]]]:
        return [(str(row["key"]), {name: row[name] for name in row if name not in ("id", "key")}) for row in self.rows.values()]

    def refuse(self, message: Message) -> Message:
        return self.message(message.id, message.lane, number="")

    def go_down(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None

    def come_back(self) -> None:
        server_class = type("Server", (socketserver.ThreadingTCPServer,), {"allow_reuse_address": True, "held": self.rows})
        self.server = server_class(self.address, Lines)
        self.address = self.server.server_address
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
