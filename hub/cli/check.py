"""Decides how `hub check` tells whether the configuration is right and, with --live, whether every system lets the hub in."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import causes, exits, looking, orphans, terminal, words
from hub.cli.lang import say
from hub.cli.refusals import UNEXPECTED, count, finding_data
from hub.cli.terminal import Terminal
from hub.errors import ConfigurationError, HubError, Misconfigured, Rejected, SourceFailed
from hub.ports import Checkable

if TYPE_CHECKING:
    from hub.settings import Settings, SystemSettings

_AT_ONCE = 8


def register(app: typer.Typer) -> None:
    """Add `hub check`."""
    help_ = say(
        "检查全部配置，按层列出问题：先文件、再引用。--live 逐个登录各系统，不改动任何数据。",
        "Check the whole configuration: files first, then references. --live logs in to the systems, changing nothing.",
    )
    app.command("check", help=help_)(check)


def check(
    ctx: typer.Context,
    systems: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SYSTEM]...", help=say("只登录这些系统（配合 --live）", "log in only to these, with --live")),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help=say("逐个登录各系统", "log in to the systems"))] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help=say("有警告也算未通过（退出码 1）", "warnings count too (exit code 1)"))
    ] = False,
) -> None:
    """Check the configuration: exit 2 when it cannot be used, 1 on findings, 4 when a system is only unreachable."""
    screen = terminal.of(ctx)
    settings = _offline(screen)
    results = _live(settings, systems or []) if live else []
    if screen.json:
        screen.data(
            {
                **_summary(settings),
                "findings": [finding_data(one) for one in settings.warnings],
                "live": [asdict(one) for one in results],
            }
        )
    else:
        _show(screen, settings, results)
    raise typer.Exit(_verdict(settings, results, strict=strict))


def _offline(screen: Terminal) -> Settings:
    """Load the settings; findings are this command's result, so they go to stdout."""
    from hub.settings import load

    try:
        loaded = load(screen.directory, env_file=screen.env_file)
        return replace(loaded, warnings=(*loaded.warnings, *orphans.warnings(loaded)))
    except ConfigurationError as error:
        if screen.json:
            screen.data({"ok": False, "findings": [finding_data(one) for one in error.findings]})
        else:
            for finding in error.findings:
                screen.finding(finding, screen.out)
            screen.line(count(error.findings), style="bold")
        raise typer.Exit(exits.of(error)) from error


def _summary(settings: Settings) -> dict[str, object]:
    return {
        "ok": True,
        "name": settings.name,
        "systems": len(settings.systems),
        "routes": len(settings.routes),
        "mappings": len(settings.mappings.mappings),
        "digest": settings.digest,
    }


def _verdict(settings: Settings, results: list[Result], *, strict: bool) -> int:
    """Return the exit code: what somebody must mend outranks what may pass by itself, as in `hub status`."""
    states = {result.state for result in results}
    if "refused" in states or (strict and settings.warnings):
        return exits.FINDINGS
    return exits.UNAVAILABLE if "unavailable" in states else exits.DONE


# --- live ---


@dataclass(frozen=True, slots=True)
class Result:
    """What one system said: ok, untested (the adapter has no check), refused (set-up is wrong) or unavailable."""

    system: str
    title: str
    adapter: str
    state: str
    milliseconds: int
    code: str = ""
    message: str = ""
    contact: str = ""


def _live(settings: Settings, names: list[str]) -> list[Result]:
    for name in names:
        looking.known_system(settings, name)
    chosen = [settings.systems[name] for name in names or sorted(settings.systems)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_one, chosen))


def _one(system: SystemSettings) -> Result:
    started = time.monotonic()
    state, code, message = _ask(system)
    spent = round((time.monotonic() - started) * 1000)
    return Result(system.name, system.title, system.adapter, state, spent, code, message, system.contact)


def _ask(system: SystemSettings) -> tuple[str, str, str]:
    adapter = system.open()
    try:
        if not isinstance(adapter, Checkable):
            return "untested", "", ""
        adapter.check()
        return "ok", "", ""
    except (Misconfigured, Rejected, ConfigurationError) as error:
        return "refused", error.code, error.message
    except SourceFailed as error:
        return "refused" if error.misconfigured else "unavailable", error.code, error.message
    except HubError as error:
        return "unavailable", error.code, error.message
    except Exception as error:  # a bug in the adapter: told as a result, so that the other systems are told too
        return "refused", UNEXPECTED, f"unexpected {type(error).__name__}"
    finally:
        adapter.close()


# --- showing ---


def _show(screen: Terminal, settings: Settings, results: list[Result]) -> None:
    for warning in settings.warnings:
        screen.finding(warning, screen.out)
    systems, routes, mappings = len(settings.systems), len(settings.routes), len(settings.mappings.mappings)
    zh = f"配置正确：{systems} 个系统，{routes} 条路由，{mappings} 个映射，{len(settings.warnings)} 处警告"
    numbers = {"system": systems, "route": routes, "mapping": mappings, "warning": len(settings.warnings)}
    en = f"the configuration is right: {', '.join(words.counted(number, name) for name, number in numbers.items())}"
    screen.line(say(zh, en), style="bold green")
    if results:
        _table(screen, results)
        screen.note("只查了能否连接、登录，没有投递", "only connecting and logging in was tried, nothing was delivered")
    for result in results:
        if result.code:
            screen.line(f"{result.system}: {result.code} {causes.said(result.code, result.message)}", style="red")
            screen.remedy(result.code, screen.out)
            if result.contact:
                screen.line(f"    {say('联系', 'contact')}: {result.contact}")


def _table(screen: Terminal, results: list[Result]) -> None:
    from rich.table import Table
    from rich.text import Text

    states = {
        "ok": Text(say("正常", "ok"), "green"),
        "untested": Text(say("无法检查", "has no check"), "yellow"),
        "refused": Text(say("被拒绝", "refused"), "red"),
        "unavailable": Text(say("不可用", "unavailable"), "red"),
    }
    table = Table(say("系统", "system"), say("名称", "name"), say("适配器", "adapter"), say("结果", "result"))
    table.add_column(say("毫秒", "ms"), justify="right")
    table.add_column(say("代码", "code"))
    for one in results:
        table.add_row(one.system, one.title, one.adapter, states[one.state], str(one.milliseconds), one.code)
    screen.out.print(table)
