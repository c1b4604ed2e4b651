"""Decides how the sandbox is run from the command line: build the county, open the twins, say where they are, wait for Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hub.cli import exits, terminal
from hub.cli.lang import say
from hub.cli.terminal import Terminal

if TYPE_CHECKING:
    from hub.sandbox.street import Sandbox

#: What one step of the county's life adds.
_NEW, _UPDATED = 10, 5


def register(app: typer.Typer) -> None:
    """Add `hub sandbox`."""
    help_ = say(
        "运行沙箱：虚构的县与它的各个对端，按 Ctrl-C 停止。", "Run a made-up county and twins of the far sides, until Ctrl-C."
    )
    app.command("sandbox", help=help_)(sandbox)


def sandbox(
    ctx: typer.Context,
    cases: Annotated[int, typer.Option(min=0, help=say("本地库里的办件数", "cases in the local database"))] = 2000,
    seed: Annotated[int, typer.Option(help=say("随机种子：相同则数据相同", "seed: equal seeds give equal data"))] = 1,
    faults: Annotated[
        Literal["none", "some", "many"], typer.Option(help=say("对端出故障的多少", "how much the far sides misbehave"))
    ] = "some",
    directory: Annotated[
        Path | None, typer.Option("--dir", help=say("数据库放在哪里，缺省 var/sandbox", "where the databases go, else var/sandbox"))
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_500, help=say("控制端口，对端在其后；0 任意", "control port, far sides behind; 0: any"))
    ] = 8630,
    grow: Annotated[
        float, typer.Option(min=0, help=say("每隔几秒新增、更正办件，0 为不变", "seconds between new cases, 0: none"))
    ] = 60.0,
) -> None:  # fmt: skip
    """Run a made-up county and twins of the far sides, until Ctrl-C."""
    from hub.sandbox.street import Plan, Ports, Sandbox
    from hub.settings.model import DEFAULT_PORT

    term = terminal.of(ctx)
    where = directory or term.directory / "var" / "sandbox"
    street = Sandbox(Plan(where, cases=cases, seed=seed, faults=faults, ports=Ports(port), hub=f"http://127.0.0.1:{DEFAULT_PORT}"))
    with _signals() as came:
        try:
            _start(term, street, cases)
            _show(term, street)
            ended_by = _live(term, street, grow, came)
        finally:
            street.stop()
    term.note("沙箱已停止。", "The sandbox has stopped.")
    raise typer.Exit(exits.TERMINATED if ended_by == signal.SIGTERM else exits.INTERRUPTED)


@contextmanager
def _signals() -> Iterator[SimpleQueue[int]]:
    """Note which of SIGINT and SIGTERM come while the block runs; one may interrupt the noting of another."""
    came: SimpleQueue[int] = SimpleQueue()

    def stop(number: int, _: object) -> None:
        came.put(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _start(term: Terminal, street: Sandbox, cases: int) -> None:
    from rich.progress import Progress

    with Progress(console=term.err, transient=True, disable=term.quiet or not term.err.is_terminal) as bar:
        task = bar.add_task(say("生成办件", "making cases"), total=cases)
        street.start(lambda made: bar.advance(task, made))


def _show(term: Terminal, street: Sandbox) -> None:
    if term.json:
        return term.data({"environment": street.environment(), "addresses": street.addresses()})
    for name, value in street.environment().items():
        term.line(f"export {name}={value}")
    if street.truth:
        flaws = sum(street.truth.by_kind().values())
        term.note(
            f"新建办件 {street.truth.cases} 件，其中 {flaws} 处有意弄错。",
            f"Made {street.truth.cases} cases with {flaws} flaws on purpose.",
        )
    else:
        term.note("沿用已有的本地库。", "The local database was there already and is kept.")
    for name, address in street.addresses().items():
        term.note(f"{name:8} {address}", f"{name:8} {address}")
    term.note(
        "上面的 export 是给自己的脚本用的；hub init 写的 config/hub.env 里已有这些值，只差省网关打开 seal 才要的三个密钥。",
        "The exports are for scripts of your own: config/hub.env, as hub init writes it, has these values, "
        "but for the three keys that the gateway needs for its seal only.",
    )
    return term.note("Ctrl-C 停止。", "Ctrl-C stops it.")


def _live(term: Terminal, street: Sandbox, grow: float, came: SimpleQueue[int]) -> int:
    """Let the county grow until a signal ends it, and return which."""
    from hub.sandbox.generator import advance

    while True:
        with suppress(Empty):
            return came.get(timeout=grow or None)
        truth = advance(street.plan.local_url, seed=street.plan.seed, new=_NEW, updates=_UPDATED, rates=street.plan.rates)
        term.note(f"新增办件 {truth.cases} 件，更正 {truth.updated} 件。", f"{truth.cases} new cases, {truth.updated} corrected.")
