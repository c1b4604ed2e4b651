"""Starts `hub` so that it meets its fate at a named moment: `DIE_AT=t2:after:table:3 python -m tests.fault.dying serve`.

The moments are functions of the hub that are wrapped here; the hub itself knows nothing of it. `DIE_AT` is moment, system (`-` is
any) and the how many-th time; `DIE_BY=STOP` freezes instead of killing. `CLOCK_SHIFT` sets its clock by seconds, `BUSY_MS` shortens
the wait for a locked database, and the file that `ROOM_IN` names says how many pages the disk has for the store.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import runpy
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

#: A call that was made: its arguments, and what it returned (None before it).
Call = tuple[tuple[Any, ...], dict[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in the life of a hub: before or after a call of that function, for the calls that are meant."""

    where: str
    after: bool
    system: Callable[[Call], str] = lambda call: "-"
    meant: Callable[[Call], bool] = lambda call: True


def _sender(call: Call) -> str:
    return str(call[0][0].sink.system)


def _desk(place: int) -> Callable[[Call], str]:
    return lambda call: str(call[0][place].system)


def _named(call: Call) -> str:
    return str(call[1]["system"])


MOMENTS = {
    "run:before": Moment("hub.store.runs:begin_next", after=True, meant=lambda call: call[2] is not None),
    "run:after": Moment("hub.engine.steps:collect", after=False),
    "t1:before": Moment("hub.store.acceptance:write_page", after=True),
    "t1:after": Moment("hub.engine.accept:_measure", after=False),
    "t2:before": Moment("hub.store.outbox:open_window", after=True, system=_named, meant=lambda call: call[2] is not None),
    "t2:after": Moment("hub.engine.deliver:Sender.send", after=False, system=_sender),
    "call": Moment("tests.fault.lasting:LastingAdapter.keep", after=True, system=_desk(0)),
    "answer": Moment("hub.engine.deliver:Sender.send", after=True, system=_sender),
    "t3:before": Moment("hub.store.settling:close_window", after=True, system=_named),
    "t3t2:before": Moment(
        "hub.engine.dispatch:_open", after=True, system=_desk(1), meant=lambda call: bool(call[0][1].unwritten and call[2][1])
    ),
    "t3:after": Moment("hub.engine.dispatch:_written", after=False, system=_desk(0)),
    "feedback:before": Moment("hub.store.verdicts:apply_verdicts", after=True),
    "feedback:cursor": Moment("hub.store.cursors:put", after=True, meant=lambda call: str(call[0][1]).startswith("feedback:")),
    "feedback:after": Moment("hub.engine.feedback:_apply", after=True),
    "push:before": Moment("hub.store.pushes:remember", after=True),
    "push:after": Moment("hub.engine.receive:keep", after=True),
    "replay:before": Moment("hub.store.replaying:replay_as_they_are", after=True),
    "replay:after": Moment("hub.engine.replay:retry", after=True),
    "gate:before": Moment("hub.store.actions:decide_held", after=True),
    "gate:after": Moment("hub.cli.hold:_do", after=True),
    "schedule:before": Moment("hub.engine.schedule:_ask", after=True, meant=lambda call: bool(call[2][1])),
    "schedule:after": Moment("hub.engine.schedule:fall_due", after=True, meant=lambda call: bool(call[2])),
}


def strike(name: str, system: str, time: int, by: int) -> None:
    """Let this process meet its fate at the `time`-th such moment."""
    moment = MOMENTS[name]
    owner, attribute = _place(moment.where)
    real, count, turn = getattr(owner, attribute), itertools.count(1), threading.Lock()

    def meet(call: Call) -> None:
        if system in ("-", moment.system(call)) and moment.meant(call):
            with turn:
                if next(count) == time:
                    signal.pthread_kill(threading.get_ident(), by)  # to this very thread: it does nothing more

    @functools.wraps(real)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if not moment.after:
            meet((arguments, named, None))
        result = real(*arguments, **named)
        if moment.after:
            meet((arguments, named, result))
        return result

    setattr(owner, attribute, wrapped)


def _place(where: str) -> tuple[Any, str]:
    module, _, path = where.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, attribute = path.split(".")
    for name in outer:
        owner = getattr(owner, name)
    return owner, attribute


def set_clock(seconds: float) -> None:
    """Set the hub's clock forward, or back."""
    from hub.engine import exchange

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=seconds)

    exchange.datetime = Shifted  # type: ignore[attr-defined]


def limit(room: Path) -> None:
    """Let SQLite itself refuse to grow beyond what the file says, as it does on a disk without space."""
    from hub.store import dialect

    real = dialect._begin_sqlite

    def begin(connection: Any) -> None:
        real(connection)
        connection.exec_driver_sql(f"PRAGMA max_page_count = {int(room.read_text())}")

    dialect._begin_sqlite = begin


def main() -> None:
    """Prepare the fate, then be `hub`."""
    told = os.environ
    if "BUSY_MS" in told:
        from hub.store import dialect

        dialect.BUSY_TIMEOUT_MS = int(told["BUSY_MS"])
    if "ROOM_IN" in told:
        limit(Path(told["ROOM_IN"]))
    if "CLOCK_SHIFT" in told:
        set_clock(float(told["CLOCK_SHIFT"]))
    if "DIE_AT" in told:
        *name, system, time = told["DIE_AT"].split(":")
        strike(":".join(name), system, int(time), signal.SIGSTOP if told.get("DIE_BY") == "STOP" else signal.SIGKILL)
    runpy.run_module("hub.cli", run_name="__main__")


if __name__ == "__main__":
    main()
