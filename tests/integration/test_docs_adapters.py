"""docs/adapters.md is true: its files are written down and used, its tables are whole, its adapter passes the conformance kit."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from adapters.kit.conformance import SinkConformance
from hub import mapping, registry
from hub.documents import read
from hub.mapping import Envelope
from hub.model import Json, Message, Operation, Receipt, Taken
from hub.sandbox.flaws import Rates
from hub.sandbox.street import Plan, Ports, Sandbox
from hub.settings.schema import RouteEntry, SystemFile
from tests.commands import shipped

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"```(?:yaml|python|csv)\n# (\S+\.(?:yaml|py|csv))\n(.*?)```", re.DOTALL)


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
    """Write the page's files beside what they use of the shipped configuration."""
    put(tmp_path)
    for name in ("schemas/local/case.yaml", "contracts/local/step.yaml"):
        kept = tmp_path / "mappings" / name
        kept.parent.mkdir(parents=True)
        shutil.copy(DOCS.parent / "mappings" / name, kept)
    return tmp_path


def put(directory: Path) -> None:
    """Write the page's files into a directory."""
    for name, text in written().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@contextmanager
def answering(handler: Any) -> Iterator[str]:
    """Run one of the page's stand-ins; gives its address."""
    handler.log_message = lambda *arguments: None
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def wuyang(tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the page's first stand-in; gives its address and the cases it holds."""
    stand_in = module("wuyang.py", tmp_path)
    with answering(stand_in.Wuyang) as address:
        yield address, stand_in.cases


def test_the_walk_through_maps_and_delivers(walked: Path, wuyang: tuple[str, dict[str, Any]]) -> None:
    address, held = wuyang
    mappings = mapping.load(walked / "mappings")
    results = mapping.run_cases(mappings)
    assert len(results) == 4
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


def test_the_second_walk_through_reads_and_writes_into_the_local_database(tmp_path: Path) -> None:
    plan = Plan(
        tmp_path / "county", cases=1, rates=Rates.none(), faults="none", ports=Ports.free(), systems=frozenset(), alive=None
    )
    with Sandbox(plan) as sandbox, answering(module("notary.py", tmp_path).Notary) as address:
        known = {**sandbox.environment(), "NOTARY_URL": address, "HUB_STORE": f"sqlite:///{tmp_path / 'hub.db'}"}
        directory = shipped(tmp_path / "site", known, None)
        put(directory.path)
        assert directory.told("check")["findings"] == []
        directory.run("test", "notary")
        directory.run("sync", "notary")
        directory.run("sync", "notary")
        steps = local(sandbox, "SELECT BJBH, HJMC, HJZT, JSSJ, LYXT FROM T_BZ WHERE LYXT = 'notary' ORDER BY KSSJ")
    case = "6211252016001"
    assert steps == [(case, "受理", "2", "2016-12-01 09:30:00", "notary"), (case, "出证", "6", None, "notary")]


def local(sandbox: Sandbox, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds in the county's own database."""
    engine = sa.create_engine(sandbox.plan.local_url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]
    finally:
        engine.dispose()


@pytest.mark.parametrize(("heading", "entry"), [("系统文件的键", SystemFile), ("路由的键", RouteEntry)])
def test_the_tables_name_every_key(heading: str, entry: type[BaseModel]) -> None:
    section = (DOCS / "adapters.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    keys = {field.alias or name for name, field in entry.model_fields.items()}
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", section)) == keys


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
