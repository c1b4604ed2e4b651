"""Decides how `hub quality` tells the county's data quality: counts, shares by rule, the cases behind it; no personal data."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import exits, looking, terminal, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.documents import suggest
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.cli.quality_tables import Table
    from hub.quality import Choice, Report, Verdict
    from hub.quality.facts import Items
    from hub.settings import QualitySettings, Settings
    from hub.store import Store

_DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add `hub quality`."""
    help_ = say(
        "数据质量报告：按部门、事项、规则统计；或列出一条规则背后的办件编号。规则见 docs/quality.zh-CN.md。",
        "The data-quality report by department, item and rule, or the cases behind a rule. The rules: docs/quality.zh-CN.md.",
    )
    app.command("quality", help=help_)(quality)


def quality(
    ctx: typer.Context,
    since: Annotated[
        datetime | None, typer.Option(formats=_DAY, help=say("受理日期从哪天起（含）", "accepted on this day or later"))
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help=say("受理日期到哪天止（含）", "accepted on this day or earlier"))
    ] = None,
    department: Annotated[str | None, typer.Option(help=say("只看这个部门", "only this department"))] = None,
    rule: Annotated[
        str | None,
        typer.Option(metavar="ID", help=say("列出不合这条规则的办件，如 C01、C01/idle", "list the cases")),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=say("各表全部列出", "list every row"))] = False,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help=say("另存为 CSV", "also write CSV"))] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help=say("另存为 Excel", "also write an Excel file"))] = None,
) -> None:
    """Report: exit 1 when anything is found that blocks."""
    from hub.engine.exchange import utc_now
    from hub.quality import Choice, lists

    screen = terminal.of(ctx)
    settings = screen.settings()
    told, meant = _told(settings), _rule(rule) if rule else None
    choice = Choice(_date(since), _date(until), department)
    gc.set_threshold(200_000)  # millions of small things, none in a circle: looking for circles took a quarter of the time
    with looking.store_of(settings) as store:
        look = _Look(screen, settings, told, store, choice, utc_now(), lists(store, told))
        blocked, tables = look.cases(*meant) if meant else look.report(everything=everything)
    _write(tables, csv, xlsx)
    raise typer.Exit(exits.FINDINGS if blocked else exits.DONE)


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _told(settings: Settings) -> QualitySettings:
    if settings.quality is None:
        raise HubError("HUB-X-123", "there is no config/quality.yaml", hint="hub init writes one into an empty directory; adapt it")
    return settings.quality


def _rule(text: str) -> tuple[str, str]:
    """Return the rule, and the line of it that is meant; '': all of it."""
    from hub.quality import catalogue

    name, _, line = text.partition("/")
    known = catalogue()
    if name not in known:
        raise HubError("HUB-X-102", f"there is no rule {name!r}", hint=suggest(name.upper(), known) or f"rules: {', '.join(known)}")
    if line and line not in known[name].lines:
        hint = suggest(line, known[name].lines) or f"it has: {', '.join(known[name].lines) or 'no lines'}"
        raise HubError("HUB-X-102", f"{name} has no line {line!r}", hint=hint)
    return name, line


def _write(tables: list[Table], csv: Path | None, xlsx: Path | None) -> None:
    from hub.cli import quality_files

    if csv is not None:
        quality_files.csv_file(csv, tables)
    if xlsx is not None:
        quality_files.xlsx_file(xlsx, tables)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the store, for certain cases."""

    screen: Terminal
    settings: Settings
    told: QualitySettings
    store: Store
    choice: Choice
    now: datetime
    known: Items

    def _verdicts(self) -> Iterator[Verdict]:
        """Yield the chosen cases. What belongs to no case comes along as the case «». Raises HubError for an unknown department."""
        from hub.quality import verdicts

        departments: set[str] = set()
        for verdict in verdicts(self.store, self.told, self.now, self.known):
            departments.add(verdict.department)
            if not verdict.number or self.choice.takes(verdict):
                yield verdict
        if self.choice.department not in {None, *departments}:
            wanted, there = str(self.choice.department), departments - {""}
            hint = suggest(wanted, there) or f"departments: {', '.join(sorted(there)[:8])}"
            raise HubError("HUB-X-102", f"no case is of a department {wanted!r}", hint=hint)

    def report(self, *, everything: bool) -> tuple[bool, list[Table]]:
        """Show the report; say whether anything blocks, and return its tables."""
        from hub.cli import quality_tables
        from hub.quality import Report, compare, late
        from hub.store import views, waiting

        made = Report(parts=frozenset(part.part for part in self.told.parts), sameness=compare(self.known))
        for verdict in self._verdicts():
            if verdict.number:
                made.add(verdict)
            else:
                made.unassigned = True
        with self.store.reading() as connection:
            sendable, _ = waiting.apart(connection, views.backlog(connection))
            made.backlog = late(sendable, self.told.terms, self.now)
        tables = quality_tables.of(made, self.settings)
        if self.screen.json:
            self.screen.data(self._data(made))
        else:
            self._show(made, tables, everything=everything)
        return made.total.blocked > 0, tables

    def _data(self, made: Report) -> dict[str, Any]:
        from hub.quality import data

        chosen = {"hub": self.settings.name, "at": self.now, **asdict(self.choice)}
        return {**chosen, **data(made)}

    def _show(self, made: Report, tables: list[Table], *, everything: bool) -> None:
        from hub.cli import quality_tables

        at = looking.when(self.now, self.settings.timezone)
        self.screen.line(f"{self.settings.title}  {at}  {say('数据质量报告', 'data quality')}{self._chosen()}", "bold")
        for line in quality_tables.summary(made):
            self.screen.line(line)
        for table in (one for one in tables if one.rows):
            self.screen.out.print(quality_tables.drawn(table, most=None if everything else table.most))
        for line in quality_tables.remarks(made):
            self.screen.line(line, "yellow")

    def _chosen(self) -> str:
        """Return what was chosen, for the title."""
        since, until, department = self.choice.since or "…", self.choice.until or "…", self.choice.department
        period = say(f"  受理日期 {since} 至 {until}", f"  accepted {since} to {until}") if (since, until) != ("…", "…") else ""
        return period + (f"  {department}" if department else "")

    def cases(self, rule: str, line: str) -> tuple[bool, list[Table]]:
        """Show the cases that fail a rule, or one line of it; say whether that blocks any, and return the table."""
        from hub.cli import quality_tables

        found = [(one, marks) for one in self._verdicts() if one.number and (marks := _marks(one, rule, line))]
        table = quality_tables.cases(rule, [(one, sorted({name for name, _ in marks})) for one, marks in found])
        if self.screen.json:
            self.screen.data([_case(one, sorted({name for name, _ in marks})) for one, marks in found])
        else:
            self.screen.out.print(quality_tables.drawn(table, most=None))
        self.screen.note(f"{len(found)} 件", words.counted(len(found), "case"))
        return any(severity == "block" for _, marks in found for _, severity in marks), [table]


def _marks(verdict: Verdict, rule: str, line: str) -> list[tuple[str, str]]:
    """Return the lines of a rule a case fails, each with how bad it is."""
    return [(name, severity) for number, name, severity in verdict.marks if number == rule and line in ("", name)]


def _case(verdict: Verdict, lines: list[str]) -> dict[str, Any]:
    about = {"case": verdict.number, "department": verdict.department, "item": verdict.item, "name": verdict.item_name}
    return {**about, "lines": lines}
