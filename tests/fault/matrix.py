"""The crash matrix: what is done to a hub, row by row, and the page about what it cost.

    python -m tests.fault.matrix [--row ROW]

All rows are played, which takes minutes, and docs/crash-matrix.md is written anew. One row alone, by its number on the page or its
name (`3` or `t1-before`), is played and printed; the page stays as it is. PostgreSQL is that of HUB_TEST_POSTGRESQL.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.fault.plays import (
    approved,
    clock,
    clock_back,
    due,
    frozen,
    full,
    killed,
    killed_at,
    locked,
    pushed,
    retried,
    terminated,
)
from tests.fault.scene import BLIND, CASES, TABLE, Cost, Scene
from tests.servers import FRESH

PAGE = ROOT / "docs" / "crash-matrix.md"
HOUR, YEAR = 3600, 365 * 24 * 3600

#: Why a row is not clean, in Chinese and in English.
HELD = (
    "先后被杀两次，两个目标处各一次；当时发往盲目标的可能已到达，等人确认（`hub hold`）",
    "killed twice, at either far side; what was on its way to the blind target may be there: a person is asked (`hub hold`)",
)
UNDONE = (
    f"{HELD[0]}；此 T2 与上一窗口的 T3 同一事务，上一条的答复随之未写",
    f"{HELD[1]}; this T2 is in one transaction with the T3 of the window before, whose answer goes unwritten with it",
)
BESIDE = (
    "与投递同时进行：被杀时可能正有一条发往盲目标，它可能已到达，等人确认（`hub hold`）",
    "deliveries go on beside it: one may be on its way to the blind target at the death: a person is asked (`hub hold`)",
)
BACK = (
    f"{BESIDE[0]}；按原时钟到期的要等时钟走到或拨正后才发",
    f"{BESIDE[1]}; what was due by the old clock waits until the clock is there again, or set right",
)
#: How many may be held: a death leaves one message on its way to the blind target at the most, and at its own moments one at least.
MAYBE, SURELY = (0, 1), (1, 2)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is done to a hub. `play` does it and returns the seconds until all was well again.

    `held`: how many may wait for a person in the end, least and most.
    """

    name: str
    zh: str
    en: str
    play: Callable[[Scene], float]
    why: tuple[str, str] | None = None
    held: tuple[int, int] = (0, 0)
    needs: Mapping[str, bool] = field(default_factory=dict)
    stores: tuple[str, ...] = ("sqlite",)


BOTH = ("sqlite", "postgresql")
ROWS = (
    Row("run-before", "运行行提交前", "run row, before its commit", killed("run:before:-:1")),
    Row("run-after", "运行行提交后", "run row, after its commit", killed("run:after:-:1")),
    Row("t1-before", "T1 提交前", "T1, before the commit", killed("t1:before:-:3"), BESIDE, MAYBE),
    Row("t1-after", "T1 提交后", "T1, after the commit", killed("t1:after:-:3"), BESIDE, MAYBE, stores=BOTH),
    Row("t2-before", "T2 提交前", "T2, before the commit", killed_at("t2:before"), UNDONE, SURELY),
    Row("t2-after", "T2 之后、调用之前", "between T2 and the call", killed_at("t2:after"), HELD, SURELY, stores=BOTH),
    Row("call", "调用途中：报文已出，无答复", "in a call: bytes left, no answer", killed_at("call"), HELD, SURELY),
    Row("answer", "得到答复后、T3 之前", "after the answer, before T3", killed_at("answer"), HELD, SURELY, stores=BOTH),
    Row("t3-before", "T3 提交前", "T3, before the commit", killed_at("t3:before"), HELD, SURELY, stores=BOTH),
    Row("t3t2-before", "T3 与下一 T2 同一事务，提交前", "T3 with the next T2 in one transaction, before the commit",
        killed_at("t3t2:before"), HELD, SURELY),
    Row("t3-after", "T3（含下一 T2）提交后", "T3 (with the next T2), after the commit", killed_at("t3:after"), HELD, SURELY),
    Row("feedback-before", "回执页已写、游标未写", "feedback page written, its cursor not yet", killed("feedback:before:-:1"),
        BESIDE, MAYBE),
    Row("feedback-cursor", "回执页与游标，提交前", "feedback page and cursor, before the commit", killed("feedback:cursor:-:2"),
        BESIDE, MAYBE),
    Row("feedback-after", "回执页与游标，提交后", "feedback page and cursor, after the commit", killed("feedback:after:-:2"),
        BESIDE, MAYBE),
    Row("push-before", "推送入库，提交前", "push, before its commit", pushed("push:before"), needs={"pushed": True}),
    Row("push-after", "推送入库后、答复之前", "push durable, before its answer", pushed("push:after"), BESIDE, MAYBE,
        needs={"pushed": True}),
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
    Row("clock-hours-on", "被杀后时钟快 2 小时", "killed, then the clock 2 hours ahead", clock(2 * HOUR), BESIDE, MAYBE),
    Row("clock-years-on", "被杀后时钟快 3 年", "killed, then the clock 3 years ahead", clock(3 * YEAR), BESIDE, MAYBE),
    Row("clock-hours-back", "被杀后时钟慢 2 小时", "killed, then the clock 2 hours behind", clock_back(2 * HOUR), BACK, MAYBE),
    Row("clock-years-back", "被杀后时钟慢 3 年", "killed, then the clock 3 years behind", clock_back(3 * YEAR), BACK, MAYBE),
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
    """Return what a row says, but for the time. What is held is told as it was measured, unless it may vary and is within that."""
    least, most = row.held
    return [
        f"{row.zh} · {row.en}",
        store,
        str(cost.lost),
        str(cost.doubled[TABLE]),
        str(cost.doubled[BLIND]),
        f"{least}–{most}" if least < most and least <= cost.held <= most else str(cost.held),
        "是 · yes" if cost.order_kept else "否 · no",
    ]


def lines(row: Row) -> Iterator[str]:
    """Play a row on each of its stores and yield its lines of the page."""
    for store in row.stores:
        cost = play(row, store)
        sys.stderr.write(f"{row.name} {store} {cost}\n")
        yield f"| {ROWS.index(row) + 1} | {' | '.join(cells(row, store, cost))} | {cost.seconds:.1f} s |"


def page() -> str:
    """Play all rows and return the page."""
    rows = "\n".join(line for row in ROWS for line in lines(row))
    why = "\n".join(f"* {number}: {row.why[0]} · {row.why[1]}" for number, row in enumerate(ROWS, 1) if row.why)
    return TEXT.read_text("utf-8").format(records=3 * CASES, cases=CASES, rows=rows, why=why)


def written() -> dict[tuple[str, str], list[str]]:
    """Return what the page says of each row and store, but for the time."""
    rows = [line.strip("| \n").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return {(cells[1], cells[2]): cells[1:-1] for cells in rows if cells[0].isdigit()}


def main(words: Sequence[str] | None = None) -> None:
    """Play what is asked for: one row, and print it; or all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", type=_row, help="number or name of one row to play and print; the page stays as it is")
    row = parser.parse_args(words).row
    try:
        if row is None:
            PAGE.write_text(page(), "utf-8")
        else:
            sys.stdout.writelines(f"{line}\n" for line in lines(row))
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:  # a server that is not there, or does not answer
        sys.exit(str(missing))


def _row(text: str) -> Row:
    for number, row in enumerate(ROWS, 1):
        if text in (str(number), row.name):
            return row
    raise argparse.ArgumentTypeError(f"no such row: {text}; there are 1 to {len(ROWS)}, or {', '.join(row.name for row in ROWS)}")


if __name__ == "__main__":
    main()
