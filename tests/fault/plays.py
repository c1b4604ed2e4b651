"""What can be done to a hub: each play does it to a scene, and returns the seconds until all was well again."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hub.model import State
from tests.commands import until
from tests.fault.scene import BLIND, CASES, TABLE, Scene


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
        assert scene.scheduled(), "it died when it first saw the schedule, not at an occurrence"
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
