"""Decides how `hub preview` shows what a route would make of records: input, output and issues side by side. It sends nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import causes, exits, terminal, words
from hub.cli.lang import say
from hub.documents import suggest
from hub.errors import HubError
from hub.model import Operation, Record

if TYPE_CHECKING:
    from hub.cli.records import Found
    from hub.cli.shown import Line, Showing
    from hub.mapping import Contract, Issue
    from hub.settings import RouteSettings, Settings


def register(app: typer.Typer) -> None:
    """Add `hub preview`."""
    help_ = say(
        "并排显示一条路由会把记录变成什么：原始记录、将要发送的内容、问题。什么也不发送。",
        "Show what a route makes of records: input, output, issues side by side. Sends nothing.",
    )
    app.command("preview", help=help_)(preview)


def preview(
    ctx: typer.Context,
    route: Annotated[str, typer.Argument(metavar="ROUTE", help=say("路由标识", "the route's id"))],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=say("最多几条", "at most so many records"))] = 5,
    key: Annotated[str | None, typer.Option("--key", help=say("只看这个键的记录", "only records of this key"))] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help=say(
                "从 JSON 文件读取（- 为标准输入），不连接源系统", "records from a JSON file (- is stdin), not from the source"
            ),
        ),
    ] = None,
    unmask: Annotated[bool, typer.Option("--unmask", help=say("显示完整的个人信息", "show personal data in full"))] = False,
) -> None:
    """Show the records: exit 1 when one of them has an issue that blocks it."""
    from hub.cli import records

    screen = terminal.of(ctx)
    settings = screen.settings()
    chosen = _route(settings, route)
    found = records.of_file(file, chosen, key, limit) if file else records.of_source(settings, chosen, key, limit)
    views = [_view(settings, chosen, record, unmask) for record in found.records]
    if screen.json:
        screen.data([view.data() for view in views])
    else:
        _show(screen, chosen, views)
    _account(screen, found, views)
    raise typer.Exit(exits.FINDINGS if any(view.blocked for view in views) else exits.DONE)


def _route(settings: Settings, name: str) -> RouteSettings:
    known = {route.name: route for route in settings.routes}
    if name not in known:
        hint = suggest(name, known) or f"configured: {', '.join(known) or 'none'}"
        raise HubError("HUB-X-102", f"there is no route {name!r}", hint=hint)
    return known[name]


@dataclass(frozen=True, slots=True)
class _View:
    """One record and what the route makes of it."""

    record: Record
    lane: str
    matches: bool
    body: dict[str, Any] | None
    issues: list[Issue]
    blocked: bool
    source: Contract | None
    target: Contract
    showing: Showing

    def data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "kind": self.record.kind,
            "key": self.record.key,
            "lane": self.lane,
            "matches": self.matches,
            "input": self.showing.whole(self.record.data, self.source),
            "output": None if self.body is None else self.showing.whole(self.body, self.target),
            "issues": [asdict(issue) for issue in self.issues],
        }


def _view(settings: Settings, route: RouteSettings, record: Record, unmask: bool) -> _View:
    from hub.cli.shown import Showing
    from hub.mapping import Envelope

    source, target = settings.systems[route.source].schemas.get(record.kind), route.mapping.contract
    lane = route.lane_of(record.data) or record.key
    issues = source.check(record.data) if source else []
    matches, body = route.when(record.data) and record.operation is not Operation.DELETE, None  # deletions are owed to nobody
    if matches and not _blocked(issues):
        envelope = Envelope(
            Operation.INSERT.value, "preview", datetime.now(UTC), record.key, record.revision, record.kind, route.system, lane
        )
        body, more = route.mapping.apply(record.data, envelope)
        issues = [*issues, *more]
    showing = Showing([(record.data, source), (body, target)], unmask=unmask)
    return _View(record, lane, matches, body, issues, _blocked(issues), source, target, showing)


def _blocked(issues: list[Issue]) -> bool:
    return any(issue.severity == "block" for issue in issues)


# --- showing ---


def _show(screen: terminal.Terminal, route: RouteSettings, views: list[_View]) -> None:
    screen.note(
        f"{route.title}：{route.source}/{route.kind} → {route.system}/{route.endpoint}",
        f"{route.name}: {route.source}/{route.kind} → {route.system}/{route.endpoint}",
    )
    for view in views:
        screen.out.print(_table(view))


def _account(screen: terminal.Terminal, found: Found, views: list[_View]) -> None:
    blocked = sum(view.blocked for view in views)
    unwanted = found.unwanted + sum(not view.matches for view in views)
    screen.note(
        f"{len(views)} 条，其中 {blocked} 条有问题；{unwanted} 条不符合路由条件。没有发送任何内容",
        f"{words.counted(len(views), 'record')}: {blocked} with issues, {unwanted} not for the route. Nothing was sent",
    )
    for fault in found.faults:
        screen.note(
            f"{fault.kind} {fault.key} 无法读取：{fault.code} {causes.said(fault.code, fault.reason)}",
            f"{fault.kind} {fault.key} cannot be read: {fault.code} {fault.reason}",
            "yellow",
        )
    if found.more:
        screen.note(
            "只看了源系统的第一页：再往后读等于告诉它前面的已经收妥。其余的记录请用 --file 给出",
            "only the source's first page was read: reading on would tell it that this one is safe here; use --file for others",
        )


def _table(view: _View) -> Any:
    from rich.table import Table

    title = f"{view.record.kind} {view.record.key}  {say('顺序键', 'lane')} {view.lane}"
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in (say("原始记录", "input"), say("将要发送", "output"), say("问题", "issues")):
        table.add_column(name, overflow="fold")
    data = view.showing.lines(view.record.data, view.source)
    table.add_row(_cell(data), _output(view), _issues(view))
    return table


def _output(view: _View) -> Any:
    from rich.text import Text

    if view.body is not None:
        return _cell(view.showing.lines(view.body, view.target))
    return Text(
        say("（有问题，不会发送）", "(has issues, is not sent)") if view.matches else say("（不符合条件）", "(does not match)"),
        style="dim",
    )


def _cell(lines: list[Line]) -> Any:
    from rich.text import Text

    cell = Text()
    for index, line in enumerate(lines):
        cell.append("\n" if index else "")
        cell.append(line.path, style="cyan")
        cell.append(f" {line.title}" if line.title else "", style="dim")
        cell.append(f" = {line.value!r}" if isinstance(line.value, str) else f" = {line.value}")
    return cell


def _issues(view: _View) -> Any:
    from rich.text import Text

    cell = Text()
    for index, issue in enumerate(view.issues):
        cell.append("\n" if index else "")
        cell.append(f"{issue.code} ", style="red" if issue.severity == "block" else "yellow")
        cell.append(str(replace(issue, message=causes.sentence(issue.message))))
    return cell
