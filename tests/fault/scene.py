"""One hub, its store and two far sides that outlive it: it meets its fate, is started again, and what that cost is judged."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from hub.engine.exchange import utc_now
from hub.model import State
from hub.store import cursors, open_store, outbox, runs, schema, waiting
from hub.store.runs import RunState, Trigger
from tests import configs
from tests.commands import DEADLINE, Directory, until
from tests.fault import lasting
from tests.fault.crew import stopped
from tests.pushing import SECRET, webhook

CASES = 20
RECORDS = [
    one
    for n in range(CASES)
    for one in (
        {"kind": "case", "key": f"A{n:02d}", "data": {"BJBH": f"A{n:02d}", "SQRMC": "甲某"}},
        {"kind": "step", "key": f"A{n:02d}-1", "data": {"BJBH": f"A{n:02d}", "ZT": "1"}},
        {"kind": "step", "key": f"A{n:02d}-2", "data": {"BJBH": f"A{n:02d}", "ZT": "1"}},
    )
]
#: The far sides: one takes nothing twice, the other can neither be asked nor be sent anything twice.
TABLE, BLIND = "table", "blind"
SYSTEM = """
    version: 1
    system: {name}
    title: {name}
    adapter: tests.fault.lasting:LastingAdapter
    retry: [1s, 1s, 1s, 1s, 1s, 1s]
    {more}
    options: {{file: kept.db, refuses: refuses.txt, {options}}}
    """
ROUTES = """
      - {{route: {name}-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: {name}/accept, lane: BJBH,
         row: project_no{gate}}}
      - {{route: {name}-process, title: 过程, from: local, kind: step, mapping: city/process, to: {name}/process, lane: BJBH,
         parent: {{route: {name}-accept, key: BJBH}}}}
"""
LOCAL = """
    version: 1
    system: local
    title: 审批系统
    adapter: tests.fakes:MemoryAdapter
    schedule: {cron: "* * * * *"}
    options: {kinds: [case, step], records: records.json, page: 12}
    """
TOWN = f"""
    version: 1
    system: town
    title: 武阳镇
    adapter: push
    options:
      auth: {{type: standard-webhooks, secret: {SECRET}}}
      feeds: {{case: {{columns: {{办件号: BJBH, 申请人: SQRMC}}, key: [BJBH]}}}}
    """
TOWN_ROUTES = """
      - {{route: {name}-town, title: 乡镇办件, from: town, kind: case, mapping: city/accept, to: {name}/accept, lane: BJBH}}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it cost. `doubled`: versions there twice, by far side; `held`: what waits for a person, `unfounded` without need."""

    lost: int
    doubled: dict[str, int]
    held: int
    unfounded: int
    order_kept: bool
    seconds: float


class Scene:
    """A directory with a configuration of its own, and the processes that come and go in it."""

    def __init__(
        self, path: Path, url: str, *, gated: bool = False, pushed: bool = False, scheduled: bool = False, slow: bool = False
    ) -> None:
        self.path, self.url = path, url
        self._write(gated, pushed, scheduled, slow)
        self._directory = Directory(path)
        self.store = open_store(url)
        self.wanted = {f"T{n}" for n in range(CASES)} if pushed else {str(one["key"]) for one in RECORDS}
        self._runs_by_itself = pushed or scheduled
        self._process: subprocess.Popen[str] | None = None
        self._since = 0.0
        self._flying: set[int] = set()  # what was on its way when a hub died

    def _write(self, gated: bool, pushed: bool, scheduled: bool, slow: bool) -> None:
        each = {
            TABLE: ("batch: 5, idempotent: true, pause: 0.02", "feedback: {every: 1s}"),
            BLIND: (f"pause: {0.03 if slow else 0.001}", ""),
        }
        files: dict[str, str | None] = {
            f"config/systems/{name}.yaml": SYSTEM.format(name=name, options=options, more=more)
            for name, (options, more) in each.items()
        }
        gates = {TABLE: ", gate: true" if gated else "", BLIND: ""}
        text = "".join(
            ROUTES.format(name=name, gate=gates[name]) + (TOWN_ROUTES.format(name=name) if pushed else "") for name in each
        )
        local = LOCAL if scheduled else LOCAL.replace('schedule: {cron: "* * * * *"}', "")
        hub = configs.HUB.rstrip(" ") + f"    store: {self.url}\n"
        files |= {
            "config/hub.yaml": hub,
            "config/systems/local.yaml": local,
            "config/routes/city.yaml": f"version: 1\nroutes:{text}",
        }
        files |= {"config/systems/town.yaml": TOWN} if pushed else {}
        configs.write(self.path, {**files, "config/systems/city.yaml": None}, RECORDS)

    def close(self) -> None:
        """End what still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self.store.close()

    # --- processes ---

    def start(self, *words: str, **fate: str) -> None:
        """Start a hub; as long as a server has not noticed the death of the one before, it may have to be started again."""
        words = words or ("serve", "--no-http")
        self._ask()
        self._since = time.monotonic()
        self._process = self._started(words, fate)
        if words[0] == "serve":
            before = self._epochs()
            until(lambda: self._process is None or self._alive(words, fate) or self._epochs() > before, "the hub works")

    def _alive(self, words: tuple[str, ...], fate: dict[str, str]) -> bool:
        """Start it again where the lease was not free yet; True: it has ended in another way, which is looked at later."""
        assert self._process is not None
        code = self._process.poll()
        if code == 5:
            self._process.communicate()
            self._process = self._started(words, fate)
        return code not in (None, 5)

    def _started(self, words: tuple[str, ...], fate: dict[str, str]) -> subprocess.Popen[str]:
        command = self._directory.command(*words)
        command[command.index("hub.cli")] = "tests.fault.dying"
        with (self.path / "hub.log").open("a") as log:
            return subprocess.Popen(
                command,
                env={**self._directory.variables(), **fate},
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
                cwd=self.path,
            )

    def dies(self, at: str, *words: str, **fate: str) -> None:
        """Start a hub and let it be killed at that moment."""
        self.start(*words, DIE_AT=at, **fate)
        self.has_died()

    def has_died(self) -> None:
        """Wait for the death of the one that works."""
        assert self._process is not None
        self._process.communicate(timeout=DEADLINE)
        assert self._process.returncode == -signal.SIGKILL, f"it left with {self._process.returncode}: {self.log()[-2000:]}"
        with self.store.reading() as connection:
            self._flying |= outbox.in_flight(connection)

    def freezes(self, at: str, seconds: float) -> None:
        """Start a hub, let it freeze at that moment for so long, and wake it."""
        self.start(DIE_AT=at, DIE_BY="STOP")
        assert self._process is not None
        pid = self._process.pid
        until(lambda: stopped(pid), "it is frozen")
        time.sleep(seconds)  # this is the fault itself: it must last longer than the far side would wait
        self._since = time.monotonic()
        os.kill(pid, signal.SIGCONT)

    def recovers(self, done: Callable[[], bool] | None = None) -> float:
        """Start a hub and let it live until nothing can move any more; return how long that took."""
        self.start()
        return self.settles(done)

    def settles(self, done: Callable[[], bool] | None = None) -> float:
        """Wait until nothing can move any more, and end the hub; return how long that took since the fault was over."""
        until(lambda: self.read() and self.idle() and (done is None or done()), f"nothing is left to do: {self.path}/hub.log")
        seconds = time.monotonic() - self._since
        self.stop()
        return seconds

    def stop(self) -> None:
        """End the hub that works, as it should."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=DEADLINE)
        assert self._process.returncode == 143, self.log()[-2000:]

    def run(self, *words: str) -> None:
        """Run one command to its end."""
        self._directory.run(*words)

    def refuse(self, *keys: str) -> None:
        """Let the far sides refuse these records from now on, and no others."""
        (self.path / "refuses.txt").write_text("\n".join(keys))

    def listens(self, port: int) -> bool:
        """Whether the hub's HTTP interface is open."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def over(self) -> None:
        """The fault is over now; a run that it broke off is asked for again, as a schedule would."""
        self._since = time.monotonic()
        self._ask()

    def push(self, port: int) -> bool:
        """Push the town's cases; False: no answer came."""
        import httpx

        rows = [{"办件号": f"T{n}", "申请人": "甲某"} for n in range(CASES)]
        body = json.dumps(rows, ensure_ascii=False).encode()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                return client.post("/api/v1/push/town/case", content=body, headers=webhook(body, "n-1")).is_success
        except httpx.TransportError:
            return False

    # --- what the store says ---

    def _ask(self) -> None:
        if not self._runs_by_itself and not self.read():
            with self.store.writing() as connection:
                runs.ask(connection, "local", Trigger.CLI, "test", utc_now())

    def _epochs(self) -> int:
        with self.store.reading() as connection:
            return int(connection.scalar(select(func.sum(schema.partition.c.epoch))) or 0)

    def read(self) -> bool:
        """Whether a run has read its source to the end."""
        with self.store.reading() as connection:
            return any(run.state is RunState.DONE for run in runs.latest(connection, limit=50))

    def scheduled(self) -> bool:
        """Whether a hub has seen the schedule: what falls due since then is owed."""
        with self.store.reading() as connection:
            return cursors.get(connection, "schedule:local") is not None

    def idle(self) -> bool:
        """Whether nothing is on its way, nor could be sent, nor waits for its verdict to be read."""
        with self.store.reading() as connection:
            cursor = int(cursors.get(connection, f"feedback:{TABLE}") or 0)
            judged = lasting.last(self.path / "kept.db", TABLE) <= cursor
            free = [waiting.free(connection, name) for name in (TABLE, BLIND)]
            return judged and not outbox.in_flight(connection) and not any(free)

    def grounded(self) -> bool:
        """Whether no window is open: what a hub left behind is settled, and nothing new is sent."""
        with self.store.reading() as connection:
            return not outbox.in_flight(connection)

    def states(self, system: str) -> Counter[State]:
        """Return how many deliveries of a far side are in each state."""
        ours = schema.delivery
        with self.store.reading() as connection:
            rows = connection.execute(select(ours.c.state, func.count()).where(ours.c.system == system).group_by(ours.c.state))
            return Counter({State(state): number for state, number in rows})

    def log(self) -> str:
        """Return what the hubs wrote so far."""
        return (self.path / "hub.log").read_text()

    # --- what it cost ---

    def cost(self, seconds: float) -> Cost:
        """Judge from what is over there and what the store tells of the rest."""
        lost, doubled, order = 0, {}, True
        for system in (TABLE, BLIND):
            arrived = [key for _, key, _ in lasting.kept(self.path / "kept.db", system)]
            lost += len(self.wanted - set(arrived) - self._told(system))
            doubled[system] = sum(number > 1 for number in Counter(arrived).values())
            order = order and self._in_order(system)
        held = self._held()
        return Cost(lost, doubled, len(held), len(held - self._flying), order, seconds)

    def _held(self) -> set[int]:
        ours = schema.delivery
        with self.store.reading() as connection:
            return set(connection.execute(select(ours.c.id).where(ours.c.state == State.HELD.value)).scalars())

    def _told(self, system: str) -> set[str]:
        """Return the records of which the store says why they are not over there: held, behind what is held, parked, dead."""
        ours = schema.delivery
        told = [state.value for state in (State.HELD, State.PENDING, State.PARKED, State.DEAD)]
        with self.store.reading() as connection:
            return set(connection.execute(select(ours.c.key).where(ours.c.system == system, ours.c.state.in_(told))).scalars())

    def _in_order(self, system: str) -> bool:
        """Whether each case's rows came in the order of the source: the case first, then its steps."""
        lanes: dict[str, list[str]] = defaultdict(list)
        for _, key, lane in lasting.kept(self.path / "kept.db", system):
            if key not in lanes[lane]:
                lanes[lane].append(key)
        return all(keys == sorted(keys) for keys in lanes.values())
