"""The crash matrix: what is done to a hub, row by row, and the page about what it cost: `python -m tests.fault.matrix`."""

from __future__ import annotations

import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hub.model import State
from tests.commands import ROOT, until
from tests.fault.scene import BLIND, CASES, TABLE, Cost, Scene
from tests.servers import FRESH

PAGE = ROOT / "docs" / "crash-matrix.md"
HOUR, YEAR = 3600, 365 * 24 * 3600

#: Why a row is not clean, in Chinese and in English.
HELD = ("盲目标：可能已到达，等人确认（`hub hold`）", "the blind target may have it: a person is asked (`hub hold`)")
BACK = (
    "按原时钟到期的要等时钟走到或拨正后才发",
    "what was due by the old clock waits until the clock is there again, or set right",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is done to a hub. `play` does it and returns the seconds until all was well again."""

    name: str
    zh: str
    en: str
    play: Callable[[Scene], float]
    why: tuple[str, str] | None = None
    needs: Mapping[str, bool] = field(default_factory=dict)
    stores: tuple[str, ...] = ("sqlite",)


def killed(*moments: str) -> Callable[[Scene], float]:
    """Kill one hub after the other, each at its moment, then let one live."""

    def play(scene: Scene) -> float:
        for moment in moments:
            scene.dies(moment)
        return scene.recovers()

    return play


def killed_at(moment: str, nth: int = 3) -> Callable[[Scene], float]:
    """Kill a hub at that moment of the quick far side, the next one at that of the slow one, which has most still before it."""
    return killed(f"{moment}:{BLIND}:{nth}", f"{moment}:{TABLE}:2")


def pushed(moment: str) -> Callable[[Scene], float]:
    """Kill a hub while it takes a push, and let the far side push again, as it does when it hears nothing."""

    def play(scene: Scene) -> float:
        port = _free_port()
        scene.start("serve", "--port", str(port), DIE_AT=f"{moment}:-:1")
        until(lambda: scene.listens(port), "it listens")
        assert not scene.push(port), "an answer came"
        scene.has_died()
        scene.start("serve", "--port", str(port))
        until(lambda: scene.listens(port), "it listens")
        assert scene.push(port)
        return scene.settles()

    return play


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def retried(moment: str) -> Callable[[Scene], float]:
    """Kill `hub dead retry` at that moment, ask again what is dead, and retry that."""

    def play(scene: Scene) -> float:
        scene.refuse("A03", "A07", "A11")
        scene.recovers()
        scene.refuse()
        scene.dies(f"{moment}:-:1", "dead", "retry", "--all", "--yes", "--reason", "mended")
        if scene.states(TABLE)[State.DEAD]:
            scene.run("dead", "retry", "--all", "--yes", "--reason", "mended")
        return scene.recovers()

    return play


def approved(moment: str) -> Callable[[Scene], float]:
    """Kill `hub hold release` at that moment, look again what is held, and approve that."""

    def play(scene: Scene) -> float:
        scene.recovers()
        assert scene.states(TABLE)[State.HELD] == CASES
        scene.dies(f"{moment}:-:1", "hold", "release", "--system", TABLE, "--yes", "--reason", "approved")
        if scene.states(TABLE)[State.HELD]:
            scene.run("hold", "release", "--system", TABLE, "--yes", "--reason", "approved")
        return scene.recovers()

    return play


def due(moment: str) -> Callable[[Scene], float]:
    """Kill a hub when its schedule falls due; its clock is set so that this is in a moment."""

    def play(scene: Scene) -> float:
        shift = str(57 - time.time() % 60)
        scene.dies(f"{moment}:-:1", CLOCK_SHIFT=shift)
        scene.start(CLOCK_SHIFT=shift)
        return scene.settles()

    return play


def frozen(moment: str) -> Callable[[Scene], float]:
    """Freeze a hub for longer than a call may take, and wake it."""

    def play(scene: Scene) -> float:
        scene.freezes(moment, seconds=2)
        return scene.settles()

    return play


def clock(seconds: int) -> Callable[[Scene], float]:
    """Kill a hub with a window open, and start it again under another clock."""

    def play(scene: Scene) -> float:
        scene.dies(f"t2:after:{TABLE}:2")
        scene.start(CLOCK_SHIFT=str(seconds))
        return scene.settles()

    return play


def clock_back(seconds: int) -> Callable[[Scene], float]:
    """The same with a clock that was set back, and later is set right."""

    def play(scene: Scene) -> float:
        scene.dies(f"t2:after:{TABLE}:2")
        scene.start(CLOCK_SHIFT=str(-seconds))
        until(scene.grounded, "what was interrupted is settled")
        scene.stop()
        return scene.recovers()

    return play


def locked(scene: Scene) -> float:
    """Keep the store locked for longer than the hub waits."""
    scene.start(BUSY_MS="300")
    until(lambda: scene.states(BLIND)[State.DELIVERED] > 3, "it works")
    with closing(sqlite3.connect(scene.path / "hub.db", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        until(lambda: "OperationalError" in scene.log(), "it says so")
        other.execute("ROLLBACK")
    scene.over()
    return scene.settles()


def full(scene: Scene) -> float:
    """Leave the disk no room, and then some."""
    room = scene.path / "room.txt"
    room.write_text("1000000")
    scene.start(ROOM_IN=str(room))
    until(lambda: scene.states(BLIND)[State.DELIVERED] > 3, "it works")
    with closing(sqlite3.connect(scene.path / "hub.db")) as store:
        room.write_text(str(store.execute("PRAGMA page_count").fetchone()[0]))
    until(lambda: "OperationalError" in scene.log(), "it says so")
    room.write_text("1000000")
    scene.over()
    return scene.settles()


def terminated(scene: Scene) -> float:
    """Let the server end all connections of a hub at work."""
    scene.start()
    until(lambda: scene.states(BLIND)[State.DELIVERED] > 3, "it works")
    engine = sa.create_engine(scene.url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    scene.over()
    return scene.settles()


BOTH = ("sqlite", "postgresql")
ROWS = (
    Row("run-before", "运行行提交前", "run row, before its commit", killed("run:before:-:1")),
    Row("run-after", "运行行提交后", "run row, after its commit", killed("run:after:-:1")),
    Row("t1-before", "T1 提交前", "T1, before the commit", killed("t1:before:-:3")),
    Row("t1-after", "T1 提交后", "T1, after the commit", killed("t1:after:-:3"), stores=BOTH),
    Row("t2-before", "T2 提交前", "T2, before the commit", killed_at("t2:before")),
    Row("t2-after", "T2 之后、调用之前", "between T2 and the call", killed_at("t2:after"), HELD, stores=BOTH),
    Row("call", "调用途中：报文已出，无答复", "in a call: bytes left, no answer", killed_at("call"), HELD),
    Row("answer", "得到答复后、T3 之前", "after the answer, before T3", killed_at("answer"), HELD, stores=BOTH),
    Row("t3-before", "T3 提交前", "T3, before the commit", killed_at("t3:before"), HELD, stores=BOTH),
    Row("t3t2-before", "T3 与下一 T2 同一事务，提交前", "T3 with the next T2 in one transaction, before the commit",
        killed_at("t3t2:before"), HELD),
    Row("t3-after", "T3（含下一 T2）提交后", "T3 (with the next T2), after the commit", killed_at("t3:after"), HELD),
    Row("feedback-before", "回执页已写、游标未写", "feedback page written, its cursor not yet", killed("feedback:before:-:1")),
    Row("feedback-cursor", "回执页与游标，提交前", "feedback page and cursor, before the commit", killed("feedback:cursor:-:2")),
    Row("feedback-after", "回执页与游标，提交后", "feedback page and cursor, after the commit", killed("feedback:after:-:2")),
    Row("push-before", "推送入库，提交前", "push, before its commit", pushed("push:before"), needs={"pushed": True}),
    Row("push-after", "推送入库后、答复之前", "push durable, before its answer", pushed("push:after"), needs={"pushed": True}),
    Row("replay-before", "死信重放，提交前", "replay of dead letters, before the commit", retried("replay:before")),
    Row("replay-after", "死信重放，提交后", "replay of dead letters, after the commit", retried("replay:after")),
    Row("gate-before", "审批决定，提交前", "decision at a gate, before the commit", approved("gate:before"), needs={"gated": True}),
    Row("gate-after", "审批决定，提交后", "decision at a gate, after the commit", approved("gate:after"), needs={"gated": True}),
    Row("schedule-before", "定时到点，提交前", "schedule occurrence, before the commit", due("schedule:before"),
        needs={"scheduled": True}),
    Row("schedule-after", "定时到点，提交后", "schedule occurrence, after the commit", due("schedule:after"),
        needs={"scheduled": True}),
    Row("frozen-window", "T2 之后冻结 2 秒再唤醒", "frozen for 2 s between T2 and the call, then woken",
        frozen(f"t2:after:{BLIND}:3")),
    Row("frozen-call", "调用途中冻结 2 秒再唤醒", "frozen for 2 s in a call, then woken", frozen(f"call:{BLIND}:3")),
    Row("locked", "库被他人锁住，超过等待", "database locked for longer than the hub waits", locked, needs={"slow": True}),
    Row("full", "磁盘满", "disk full", full, needs={"slow": True}),
    Row("clock-hours-on", "被杀后时钟快 2 小时", "killed, then the clock 2 hours ahead", clock(2 * HOUR), HELD),
    Row("clock-years-on", "被杀后时钟快 3 年", "killed, then the clock 3 years ahead", clock(3 * YEAR), HELD),
    Row("clock-hours-back", "被杀后时钟慢 2 小时", "killed, then the clock 2 hours behind", clock_back(2 * HOUR), BACK),
    Row("clock-years-back", "被杀后时钟慢 3 年", "killed, then the clock 3 years behind", clock_back(3 * YEAR), BACK),
    Row("terminated", "服务器断开全部连接", "server ends all connections of the hub", terminated, needs={"slow": True},
        stores=("postgresql",)),
)  # fmt: skip


@contextmanager
def scene(row: Row, store: str) -> Iterator[Scene]:
    """Yield a scene for a row on that kind of store."""
    with tempfile.TemporaryDirectory(prefix="hub-scene-") as directory, FRESH[store]() as url:
        made = Scene(Path(directory), f"sqlite:///{directory}/hub.db" if store == "sqlite" else url, **row.needs)
        try:
            yield made
        finally:
            made.close()


def play(row: Row, store: str) -> Cost:
    """Play one row on that kind of store."""
    with scene(row, store) as made:
        return made.cost(row.play(made))


# --- the page ---

#: The page with places for what is found out.
TEXT = Path(__file__).with_name("crash-matrix.txt")


def cells(row: Row, store: str, cost: Cost) -> list[str]:
    """Return what a row says, but for the time."""
    blind = f"{cost.doubled[BLIND]}, held" if row.why is HELD else str(cost.doubled[BLIND])
    return [
        f"{row.zh} · {row.en}",
        store,
        str(cost.lost),
        str(cost.doubled[TABLE]),
        blind,
        "是 · yes" if cost.order_kept else "否 · no",
    ]


def page() -> str:
    """Play all rows and return the page."""
    lines, notes = [], []
    for number, row in enumerate(ROWS, 1):
        for store in row.stores:
            cost = play(row, store)
            sys.stderr.write(f"{row.name} {store} {cost}\n")
            lines.append(f"| {number} | {' | '.join(cells(row, store, cost))} | {cost.seconds:.1f} s |")
        if row.why:
            notes.append(f"* {number}: {row.why[0]} · {row.why[1]}")
    return TEXT.read_text("utf-8").format(records=3 * CASES, cases=CASES, rows="\n".join(lines), why="\n".join(notes))


def written() -> dict[tuple[str, str], list[str]]:
    """Return what the page says of each row and store, but for the time."""
    rows = [line.strip("| \n").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return {(cells[1], cells[2]): cells[1:-1] for cells in rows if cells[0].isdigit()}


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
