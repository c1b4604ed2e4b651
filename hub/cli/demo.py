"""Decides what a person sees of `hub demo`: the county being made, messages on their way, and one account at the end."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import causes, exits, terminal, words
from hub.cli.init import example
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import HubError

if TYPE_CHECKING:
    from rich.table import Table

    from hub.demo.account import Account, Line
    from hub.demo.job import Result
    from hub.demo.neighbours import Neighbours
    from hub.engine.progress import Progress
    from hub.sandbox.flaws import GroundTruth

#: The fault that shows only in the later verdict, so no retry meets it.
LATE = "late_rejection"
#: Put into every directory the demo made; only such a directory is made anew.
MARK = ".hub-demo"


def register(app: typer.Typer) -> None:
    """Add `hub demo`."""
    help_ = say(
        "造一个县，打开各方的“双胞胎”并让它们出故障，跑完所有路由，再与各方实际所存逐条对账。",
        "Make a county, start twins of the far sides with faults on, run every route, and check the account to the last record.",
    )
    app.command("demo", help=help_)(demo)


def demo(
    ctx: typer.Context,
    cases: Annotated[int, typer.Option(min=1, help=say("办件数", "cases"))] = 200,
    seed: Annotated[int, typer.Option(help=say("随机种子", "seed"))] = 1,
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help=say("对端是否出故障", "whether the far sides misbehave"))
    ] = True,
    directory: Annotated[Path, typer.Option("--dir", help=say("放在哪个目录", "where it goes"))] = Path("var/demo"),
) -> None:
    """Run the main job: exit 0 only if the account adds up, else 1."""
    screen = terminal.of(ctx)
    _expect_faults(screen)
    _prepare(directory)
    from hub.demo import job, neighbours

    street = neighbours.Neighbours(neighbours.plan(directory / "var" / "sandbox", cases=cases, seed=seed, faults=faults))
    try:
        truth = _build(screen, street, cases)
        environment = street.environment()
        _write_environment(directory, environment)
        settings = job.settings_of(directory, environment)
        with _bars(screen) as seen:
            result = job.run(settings, street, truth, seen)
    finally:
        street.stop()
    _show(screen, result, directory)
    raise typer.Exit(exits.DONE if result.account.adds_up else exits.FINDINGS)


def _expect_faults(screen: Terminal) -> None:
    """Leave unsaid what goes wrong on purpose, unless somebody wants to hear it: the account at the end tells it all."""
    if screen.log_level is None and not screen.verbose:
        logging.getLogger().setLevel(logging.ERROR)


def _prepare(directory: Path) -> None:
    """Make the demo's directory with the example in it; one that the demo did not make is left alone."""
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).exists():
            raise HubError("HUB-X-131", f"{directory} is not empty and not a former demo", hint="choose another one with --dir")
        shutil.rmtree(directory)
    root = example()
    for part in ("config", "mappings"):
        shutil.copytree(root / part, directory / part, ignore=shutil.ignore_patterns("hub.env"))
    (directory / MARK).touch()


def _write_environment(directory: Path, environment: dict[str, str]) -> None:
    path = directory / "config" / "hub.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in environment.items()), "utf-8")
    path.chmod(0o600)


def _build(screen: Terminal, street: Neighbours, cases: int) -> GroundTruth:
    from rich.progress import Progress as Bars

    screen.note(f"造一个县：{cases} 个办件……", f"making a county of {words.counted(cases, 'case')}…")
    with Bars(console=screen.err, transient=True, disable=screen.quiet or not screen.err.is_terminal) as bars:
        task = bars.add_task(say("生成办件", "making cases"), total=cases)
        return street.start(lambda made: bars.advance(task, made))


@contextmanager
def _bars(screen: Terminal) -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=screen.err, disable=screen.quiet or not screen.err.is_terminal) as bars:
        reading = bars.add_task(say("读取", "reading"), total=None)
        sending = bars.add_task(say("投递", "delivering"), total=None)

        def seen(progress: Progress) -> None:
            bars.update(reading, completed=progress.read, total=None if progress.reading else progress.read)
            bars.update(sending, completed=max(progress.total - progress.owed, 0), total=max(progress.total, 1))

        yield seen


def _show(screen: Terminal, result: Result, directory: Path) -> None:
    account = result.account
    if screen.json:
        screen.data(_data(account, result.seconds))
        return
    if screen.verbose:
        screen.out.print(_runs(account))
        for line in account.lines:
            screen.out.print(_table(line))
    screen.out.print(_exchanges(account))
    screen.out.print(_dead(account))
    _checks(screen, account)
    sent = sum(line.owed for line in account.lines)
    if account.adds_up:
        zh, en = "账目相符：一条不丢，一条不重。", "The account adds up: nothing lost, nothing doubled."
        screen.line(say(zh, en), style="bold green")
    else:
        screen.line(say("账目不符，见上面的 ✘。", "The account does NOT add up, see ✘ above."), style="bold red")
    screen.line(say(f"{sent} 条消息，用时 {result.seconds:.1f} 秒。", f"{sent} messages in {result.seconds:.1f} s."))
    _next(screen, account, directory)


def _checks(screen: Terminal, account: Account) -> None:
    """Tell every check that fails; those that hold are counted, and told with -v."""
    for check in account.checks:
        mark, style = ("✔", "green") if check.holds else ("✘", "bold red")
        if screen.verbose or not check.holds:
            screen.line(f"{mark} {say(check.zh, check.en)}  {check.found}", style=style)
    good = sum(check.holds for check in account.checks)
    if good:
        zh, en = f"{good} 项核对相符（-v 逐项列出）", f"{good} checks against what the far sides hold are right (-v lists them)"
        screen.line(f"✔ {say(zh, en)}", style="green")


def _exchanges(account: Account) -> Table:
    """Return the closing table: a line for each exchange the county's report names."""
    from rich.table import Table

    table = Table(title=say("漳县互联互通：各条线", "the county's exchanges"), title_justify="left", caption_justify="left")
    table.caption = say(
        "送达含后来退回的；死信只算读进来的，读不了的文件和行在 hub dead list。",
        "arrived includes what was refused later; dead counts what was read: what nobody could read is in hub dead list.",
    )
    for zh, en in _EXCHANGE_COLUMNS:
        table.add_column(say(zh, en), justify="left" if en == "exchange" else "right")
    for line in account.exchanges:
        numbers = (*line.up, *line.down, line.retried, line.late, line.parked, line.dead, line.cancelled)
        name, style = say(line.exchange.zh, line.exchange.en), "" if line.routes else "dim"
        table.add_row(name, *("·" if number == 0 else str(number) for number in numbers), style=style)
    return table


_EXCHANGE_COLUMNS = (
    ("业务线", "exchange"),
    ("上行应送", "up owed"),
    ("送达", "arrived"),
    ("下行应收", "down owed"),
    ("收到", "arrived"),
    ("经重试", "retried"),
    ("事后退回", "refused later"),
    ("等父记录", "parked"),
    ("死信", "dead"),
    ("不予发布", "not published"),
)
#: Most groups of dead letters that are shown.
_MOST_GROUPS = 12


def _dead(account: Account) -> Table:
    """Return the largest groups of dead letters: what was planted and stopped."""
    from rich.table import Table

    groups = sorted((group for line in account.lines for group in line.groups), key=lambda group: -group.count)
    more = len(groups) - _MOST_GROUPS
    rest = say(f"；另有 {more} 组", f"; {words.counted(more, 'more group')}") if more > 0 else ""
    table = Table(title=say("拦下和退回的（按原因）", "stopped and refused, by cause") + rest, title_justify="left")
    for zh, en in (("系统", "system"), ("环节", "stage"), ("代码", "code"), ("条数", "count"), ("原因", "reason")):
        table.add_column(say(zh, en), justify="right" if en == "count" else "left")
    for group in groups[:_MOST_GROUPS]:
        cause = causes.said(group.code, group.reason)
        table.add_row(group.system, words.stage(group.stage or ""), group.code or "", str(group.count), cause)
    return table


def _next(screen: Terminal, account: Account, directory: Path) -> None:
    from rich.cells import cell_len

    system = next((line.system for line in account.lines if line.groups), account.lines[0].system)
    hub = _program()
    screen.line(say("接下来可以输入：", "What to type next:"))
    for command, zh, en in (
        (f"{hub} -c {directory} status", "各系统一览", "every system at a glance"),
        (f"{hub} -c {directory} dead list --system {system}", "死信按原因分组", "dead letters by cause"),
        (f"{hub} -c {directory} check", "检查这套配置", "check this configuration"),
        (f"{hub} init 我的县", "新建自己的配置", "start a configuration of your own"),
    ):
        screen.line(f"  {command}{' ' * max(48 - cell_len(command), 0)} {say(zh, en)}")


def _program() -> str:
    """Return how this hub is called from here: by its name where the path finds it, else by where it stands."""
    beside = Path(sys.executable).with_name("hub")
    if shutil.which("hub") or not beside.exists():
        return "hub"
    return os.path.relpath(beside)


def _runs(account: Account) -> Table:
    from rich.table import Table

    table = Table(title=say("读取", "reading"), title_justify="left")
    for zh, en in (
        ("来源", "source"),
        ("读取", "read"),
        ("未变化", "unchanged"),
        ("接收", "accepted"),
        ("拒收", "rejected"),
        ("无去向", "filtered"),
        ("投递单", "deliveries"),
    ):
        table.add_column(say(zh, en), justify="left" if en == "source" else "right")
    for source in dict.fromkeys(run.source for run in account.runs):
        mine = [run for run in account.runs if run.source == source]
        names = ("read", "unchanged", "accepted", "rejected", "filtered", "deliveries")
        table.add_row(source, *(str(sum(getattr(run, name) for run in mine)) for name in names))
    return table


def _table(line: Line) -> Table:
    from rich.table import Table

    from hub.model import State

    delivered = sum(line.states[state] for state in (State.DELIVERED, State.CONFIRMED))
    table = Table(title=f"{line.title} ({line.system})", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    faults = "、".join(f"{kind} ×{number}" for kind, number in sorted(line.faults.items()) if kind != LATE)
    table.add_row(say("应送", "owed"), str(line.owed), "")
    table.add_row(say("送达", "delivered"), str(delivered), "")
    table.add_row(say("（其中经重试）", "(of these retried)"), str(line.retried), faults)
    table.add_row(say("送达后被退回", "delivered, refused later"), str(line.states[State.REJECTED]), "")
    table.add_row(say("父记录未成，子记录停放", "parked behind a dead parent"), str(line.states[State.PARKED]), "")
    table.add_row(say("死信", "dead"), str(line.states[State.DEAD]), "")
    for group in line.groups:
        table.add_row(f"  {words.stage(group.stage)} {group.code}", str(group.count), causes.said(group.code, group.reason))
    return table


def _data(account: Account, seconds: float) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "adds_up": account.adds_up,
        "seconds": round(seconds, 1),
        "runs": [asdict(run) for run in account.runs],
        "systems": [
            {**asdict(line), "states": {state.value: number for state, number in line.states.items()}} for line in account.lines
        ],
        "exchanges": [asdict(line) for line in account.exchanges],
        "checks": [asdict(check) for check in account.checks],
    }
