"""Decides what `hub` on the command line is: the global options and the table of commands.

To add a command: write `hub/cli/<name>.py` with a function `register(app: typer.Typer) -> None` that adds it to `app`
(`app.command("name")(function)` or `app.add_typer(group, name="name")`), and add one line to `COMMANDS` below. In the function:

* take `ctx: typer.Context` and get the `Terminal` with `terminal.of(ctx)`: it has the settings, stdout (`line`, `data`, `out`) and
  stderr (`note`, `err`); honour `terminal.json`;
* import what is heavy inside the function, not at the top; texts for people go through `say(zh, en)`;
* let errors fly: `HubError` becomes its message and exit code here; leave with another code by `raise typer.Exit(exits.PARTLY)`;
* do not reuse the global options' names: they are accepted after the command too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from hub.cli import common, exits, lang
from hub.cli.group import Command, Commands
from hub.cli.lang import say

#: Every command, in the order `hub --help` lists them.
COMMANDS: dict[str, Command] = {
    "demo": Command(
        "hub.cli.demo", "一条命令看全部：造县、出故障、投递、对账", "the whole job in one command, with faults and an account"
    ),
    "init": Command("hub.cli.init", "新建一套可运行的示例配置", "make a directory with a working example configuration"),
    "check": Command(
        "hub.cli.check", "检查全部配置；--live 逐个登录各系统", "check the whole configuration; --live logs in everywhere"
    ),
    "test": Command("hub.cli.test", "运行映射旁边的用例", "run the cases that stand beside the mappings"),
    "preview": Command(
        "hub.cli.preview", "并排显示：原始记录 → 将要发送的内容 → 问题，不发送", "show what a route would send, sending nothing"
    ),
    "sync": Command("hub.cli.sync", "立即读取一遍来源并投递", "read sources once now and deliver"),
    "serve": Command(
        "hub.cli.serve", "持续运行：计划、投递、HTTP 接口、指标", "work until stopped: schedules, delivery, HTTP, metrics"
    ),
    "worker": Command(
        "hub.cli.worker", "与其他进程分担一个 PostgreSQL 存储上的工作", "share the work on one PostgreSQL store with other workers"
    ),
    "schema": Command(
        "hub.cli.schema", "输出配置文件的 JSON Schema，供编辑器使用", "print the JSON Schema of the configuration files for editors"
    ),
    "status": Command(
        "hub.cli.status", "各系统一览：欠多少、卡在哪、怎么办", "every system: what is owed, what is stuck, what mends it"
    ),
    "runs": Command("hub.cli.runs", "最近的运行和它们的账", "the latest runs and their accounts"),
    "dead": Command("hub.cli.dead", "死信：按原因看，逐条看，重试", "dead letters: by cause, one by one, try again"),
    "hold": Command(
        "hub.cli.hold", "待人工的：看、放行、认定已送达、取消", "held deliveries: look, release, call delivered, cancel"
    ),
    "orphans": Command(
        "hub.cli.orphans", "配置里已没有去处的：看、取消", "what no configured system or endpoint takes: look, give up"
    ),
    "trace": Command("hub.cli.trace", "一个办件的全部经过", "the whole life of one case"),
    "quality": Command(
        "hub.cli.quality", "数据质量报告：按部门、事项、规则", "the data-quality report by department, item and rule"
    ),
    "pause": Command("hub.cli.systems", "暂停向一个系统发送", "send nothing to a system until resumed"),
    "resume": Command("hub.cli.systems", "恢复向一个系统发送", "send to a system again"),
    "backup": Command("hub.cli.backup", "备份存储，运行中也可以", "copy the store into a file, also while a hub works"),
    "store": Command("hub.cli.store", "存储：复制到另一个数据库", "copy the store into another database"),
    "sandbox": Command("hub.cli.sandbox", "运行沙箱：虚构的县与它的各个对端", "run a made-up county and twins of the far sides"),
    "explain": Command(
        "hub.cli.explain", "说明一个代码：发生了什么，为什么，怎么办", "explain a code: what happened, why, what to do"
    ),
}


def _tell(terminal: object, error: BaseException) -> int:
    from hub.cli import refusals
    from hub.cli.terminal import Terminal

    assert isinstance(terminal, Terminal)
    return refusals.tell(terminal, error)


class _Hub(Commands):
    table = COMMANDS
    tell = staticmethod(_tell)


def _epilog() -> str:
    rows = [f"{code}  {say(zh, en)}" for code, (zh, en) in exits.TABLE.items()]
    return "\n".join(["\b", say("退出码：", "Exit codes:"), *rows])


app = typer.Typer(
    name="hub",
    cls=_Hub,
    help=say(
        "甘肃数据交换中枢：欠谁什么、送到没有、为什么没有，一条不丢。",
        "The Gansu exchange hub: what is owed to whom, and the proof that nothing was lost.",
    ),
    epilog=_epilog(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    ctx: typer.Context,
    config: common.Config = Path(),
    env_file: common.EnvFile = None,
    output: common.Output = "text",
    json: common.Json = False,
    quiet: common.Quiet = False,
    verbose: common.Verbose = 0,
    log_level: common.LogLevel = None,
    log_format: common.LogFormat = "text",
    no_color: common.NoColour = False,
    lang_: common.Lang = None,
    version: common.Version = False,
) -> None:
    """Take the global options."""
    from hub.cli import logs
    from hub.cli.terminal import Terminal, console

    lang.speak(lang_ or lang.chosen([], os.environ))
    ctx.obj = Terminal(
        directory=config,
        out=console(stderr=False, plain=no_color),
        err=console(stderr=True, plain=no_color),
        env_file=env_file,
        json=json or output == "json",
        quiet=quiet,
        verbose=verbose,
        log_level=log_level,
        log_format=log_format,
    )
    logs.configure(ctx.obj.level(), log_format)
    sys.path.append(str(config.resolve()))  # for `adapter: module:NAME` beside the configuration; last, so that it hides nothing


def main() -> None:
    """Run the command line and leave with its exit code."""
    app(prog_name="hub")
