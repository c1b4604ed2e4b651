"""Decides which tables the quality report has, on the screen and in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hub.cli import looking
from hub.cli.lang import say
from hub.mapping import Severity

if TYPE_CHECKING:
    from rich.table import Table as Drawn

    from hub.quality import Group, Report, Rule, Sameness, Verdict
    from hub.settings import Settings

Cell: TypeAlias = str | int | float | None
#: Chinese, English
Column: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One table. A float is a share. `most`: so many rows are shown on a screen that did not ask for all."""

    title: str
    columns: tuple[Column, ...]
    rows: list[list[Cell]]
    most: int | None = None


_COUNTS: tuple[Column, ...] = (
    ("受理", "accepted"),
    ("办结", "closed"),
    ("在办", "open"),
    ("按时办结率", "on time"),
    ("超期", "overdue"),
    ("只挂号不办理", "idle"),
    ("填充值", "fillers"),
    ("不合格", "blocked"),
    ("不合格率", "share blocked"),
)
_RULES: tuple[Column, ...] = (
    ("编号", "id"),
    ("规则", "rule"),
    ("级别", "severity"),
    ("办件", "cases"),
    ("占比", "share"),
    ("其中", "of these"),
)
_SYSTEMS: tuple[Column, ...] = (
    ("系统", "system"),
    ("名称", "name"),
    ("应送", "owed"),
    ("已收", "taken"),
    ("已确认", "confirmed"),
    ("事后退回", "rejected"),
    ("死信", "dead"),
    ("未完", "open"),
    ("取消", "dropped"),
)
_UNLIKE: tuple[Column, ...] = (("事项编码", "item"), ("事项", "name"), ("实施主体", "department"), ("状态", "state"))
_CASES: tuple[Column, ...] = (
    ("办件编号", "case"),
    ("部门", "department"),
    ("事项编码", "item"),
    ("事项", "name"),
    ("问题", "problem"),
)
_NOBODY = ("（没有受理记录）", "(no acceptance)")
_MAPPED = ("映射查出", "by a mapping")


def of(report: Report, settings: Settings) -> list[Table]:
    """Return the tables of a report: departments, rules, items, systems, and the two lists of items."""
    worst = (("部门", "department"), ("事项编码", "item"), ("事项", "name"), *_COUNTS)
    reconciled = say(
        "对账（R01）：每个系统的投递单，每条记录只算最新一版",
        "Reconciliation (R01): deliveries by system, of every record the newest version",
    )
    return [
        Table(say("部门", "Departments"), (("部门", "department"), *_COUNTS), _departments(report)),
        Table(say("规则", "Rules"), _RULES, _rules(report)),
        Table(say("事项（不合格的在前）", "Items, the worst first"), worst, _items(report), most=10),
        Table(reconciled, _SYSTEMS, _systems(report, settings)),
        *(_sameness(report.sameness) if report.sameness else ()),
    ]


def _counts(group: Group) -> list[Cell]:
    share = group.blocked / group.cases if group.cases else None
    counts = [group.overdue, group.idle, group.failing["D03"], group.blocked]
    return [group.accepted, group.closed, group.open, group.on_time, *counts, share]


def _departments(report: Report) -> list[list[Cell]]:
    rows: list[list[Cell]] = [[name or say(*_NOBODY), *_counts(group)] for name, group in sorted(report.departments.items())]
    return [*rows, [say("合计", "total"), *_counts(report.total)]] if rows else []


def _items(report: Report) -> list[list[Cell]]:
    worst = sorted(report.items.items(), key=lambda one: (-one[1].blocked, -one[1].cases, one[0]))
    return [[department or say(*_NOBODY), code, group.name, *_counts(group)] for (department, code), group in worst]


def _rules(report: Report) -> list[list[Cell]]:
    from hub.quality import catalogue

    unlooked = set(report.unlooked())
    rows = [_rule(report, rule, looked=number not in unlooked) for number, rule in catalogue().items() if number != "R02"]
    if other := report.total.failing[""]:
        rows.append(["", say("映射的其他问题", "other issues of mappings"), "", other, report.total.share(""), ""])
    return rows


def _rule(report: Report, rule: Rule, *, looked: bool) -> list[Cell]:
    severities = dict.fromkeys([rule.severity, *(line.severity for line in rule.lines.values())])
    about: list[Cell] = [rule.id, say(rule.zh, rule.en), "/".join(word(one) for one in severities)]
    if not looked:
        return [*about, None, None, say("未查", "not looked at")]
    return [*about, report.total.failing[rule.id], report.total.share(rule.id), _lines(report, rule)]


def _lines(report: Report, rule: Rule) -> str:
    counted = [(line, report.total.lines[rule.id, name]) for name, line in rule.lines.items()]
    told = [f"{say(line.zh, line.en)} {number}" for line, number in counted if number]
    if rule.lines and (mapped := report.total.lines[rule.id, ""]):
        told.append(f"{say(*_MAPPED)} {mapped}")
    return say("；", "; ").join(told)


def word(severity: Severity) -> str:
    """Return a severity for people."""
    return say("不合格", "block") if severity is Severity.BLOCK else say("提醒", "warn")


def _systems(report: Report, settings: Settings) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for name in report.systems():
        counts = [report.total.deliveries[name, one] for one in ("delivered", "confirmed", "rejected", "dead", "open", "dropped")]
        title = settings.systems[name].title if name in settings.systems else ""
        rows.append([name, title, sum(counts), *counts])
    return rows


def _sameness(sameness: Sameness) -> Iterator[Table]:
    for zh, en, unlike in (
        ("权力同源：大厅有、没有已公布编码的事项", "Hall items without a valid published code", sameness.unpublished),
        ("权力同源：已公布、大厅没有的事项", "Published items the hall does not have", sameness.missing),
    ):
        rows: list[list[Cell]] = [[one.code, one.name, one.department, one.state] for one in unlike]
        yield Table(f"{say(zh, en)}（{len(unlike)}）", _UNLIKE, rows, most=10)


def summary(report: Report) -> Iterator[str]:
    """Yield the lines that say it all."""
    total = report.total
    rate = f"{total.on_time:.1%}" if total.on_time is not None else "—"
    yield say(
        f"办件 {total.cases} 件：办结 {total.closed}，在办 {total.open}；按时办结率 {rate}，超期 {total.overdue}，"
        f"只挂号不办理 {total.idle}，有填充值 {total.failing['D03']}，不合格 {total.blocked}",
        f"{total.cases} cases: {total.closed} closed, {total.open} open; {rate} on time, {total.overdue} overdue, "
        f"{total.idle} accepted and never worked on, {total.failing['D03']} with fillers, {total.blocked} blocked",
    )
    if (same := report.sameness) is not None:
        cases, ours, theirs = total.lines["C06", "unpublished"], len(same.unpublished), len(same.missing)
        yield say(
            f"权力同源：两边一致 {same.both} 项，大厅有而未公布 {ours} 项（涉及办件 {cases} 件），已公布而大厅没有 {theirs} 项",
            f"items: {same.both} the same, {ours} of the hall not published ({cases} cases), {theirs} published only",
        )


def remarks(report: Report) -> Iterator[str]:
    """Yield what else an operator should know."""
    for late in report.backlog:
        yield say(f"积压（R02）：{late.system} 有 {late.owed} 条未完", f"backlog (R02): {late.system} is owed {late.owed}")
    if report.sameness is None:
        yield say("权力同源未查：中枢还没有读到大厅事项和已公布事项两份清单", "items not compared: the hub has not read both lists")
    if report.unassigned:
        yield say("有的记录没有办件编号，没有计入", "some records have no case number and were not counted")


def cases(rule: str, found: Sequence[tuple[Verdict, list[str]]]) -> Table:
    """Return the cases that fail a rule, each with the lines it fails."""
    from hub.quality import catalogue

    about = catalogue()[rule]
    names = {name: say(line.zh, line.en) for name, line in about.lines.items()}
    rows: list[list[Cell]] = []
    for one, lines in found:
        problem = say("；", "; ").join(names.get(name) or say(*_MAPPED) for name in lines)
        rows.append([one.number, one.department or say(*_NOBODY), one.item, one.item_name, problem])
    return Table(f"{rule} {say(about.zh, about.en)}", _CASES, rows)


def drawn(table: Table, most: int | None) -> Drawn:
    """Return a table for the screen, with at most so many rows."""
    numbers = {index for row in table.rows for index, cell in enumerate(row) if isinstance(cell, int | float)}
    heads = [(zh, en, "right") if index in numbers else (zh, en) for index, (zh, en) in enumerate(table.columns)]
    made = looking.table(*heads, title=table.title)
    for row in table.rows[:most]:
        made.add_row(*(_shown(cell) for cell in row))
    if most is not None and len(table.rows) > most:
        left = len(table.rows) - most
        made.caption = say(f"另有 {left} 行，--all 全部列出", f"{left} more, --all lists them")
    return made


def _shown(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.1%}"
    return "" if cell is None else str(cell)
