"""Decides how `hub test` runs the cases beside the mappings and tells which failed, for people, as JSON, or as JUnit XML."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from xml.etree import ElementTree as ET

import typer

from hub.cli import causes, exits, terminal, words
from hub.cli.lang import say
from hub.documents import suggest
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.mapping import CaseResult, MappingSet
    from hub.mapping.cases import Difference


def register(app: typer.Typer) -> None:
    """Add `hub test`."""
    help_ = say("运行映射旁边的用例（mappings/**/*.cases.yaml）。", "Run the cases beside the mappings (mappings/**/*.cases.yaml).")
    app.command("test", help=help_)(test)


def test(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MAPPING]...",
            help=say(
                "只运行这些映射（gateway/accept），或整个系统（gateway）",
                "only these mappings (gateway/accept), or a whole system (gateway)",
            ),
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help=say("另写一份 JUnit XML", "also write JUnit XML"))
    ] = None,
) -> None:
    """Run the cases: exit 1 when one fails. Needs mappings/ only, neither config/ nor any system."""
    from hub import mapping

    screen = terminal.of(ctx)
    found = mapping.load(screen.directory / "mappings")
    chosen = _chosen(found, names or [])
    results = mapping.run_cases(chosen)
    if junit is not None:
        _write(junit, results)
    if screen.json:
        screen.data([{**asdict(result), "passed": result.passed} for result in results])
    else:
        _show(screen, chosen, results)
    raise typer.Exit(exits.DONE if all(result.passed for result in results) else exits.FINDINGS)


def _chosen(found: MappingSet, names: list[str]) -> MappingSet:
    for name in names:
        if not any(_meant(one, name) for one in found.mappings):
            hint = suggest(name, found.mappings) or f"there are: {', '.join(sorted(found.mappings)) or 'none'}"
            raise HubError("HUB-X-102", f"there is no mapping {name!r}", hint=hint)
    if not names:
        return found
    return replace(
        found,
        mappings={key: one for key, one in found.mappings.items() if any(_meant(key, name) for name in names)},
        cases={key: cases for key, cases in found.cases.items() if any(_meant(key, name) for name in names)},
    )


def _meant(mapping: str, name: str) -> bool:
    return mapping == name or mapping.startswith(f"{name.rstrip('/')}/")


def _show(screen: terminal.Terminal, found: MappingSet, results: list[CaseResult]) -> None:
    for result in results:
        if not result.passed:
            screen.line(f"✗ {result.mapping}: {result.case}", style="red")
            for difference in result.differences:
                screen.line(f"    {say(_zh(difference), str(difference))}")
        elif screen.verbose:
            screen.line(f"✓ {result.mapping}: {result.case}", style="green")
    failed = sum(not result.passed for result in results)
    passed, mappings = len(results) - failed, len({result.mapping for result in results})
    style = "bold red" if failed else "bold green"
    screen.line(
        say(
            f"{mappings} 个映射：{passed} 个用例通过，{failed} 个未通过",
            f"{words.counted(mappings, 'mapping')}: {words.counted(passed, 'case')} passed, {failed} failed",
        ),
        style,
    )
    if untested := len(found.mappings.keys() - {result.mapping for result in results}):
        screen.line(say(f"{untested} 个映射没有用例", f"mappings without cases: {untested}"), "yellow")
    for warning in found.warnings:
        screen.note(f"警告 {warning}", f"warning {warning}", "yellow")


def _zh(one: Difference) -> str:
    """Return a difference in Chinese; values stay as they are written."""
    from hub.mapping.cases import ISSUE, NO_ISSUE, NOTHING, WHOLE

    expected = {NOTHING: "没有", NO_ISSUE: "没有问题"}.get(one.expected, one.expected)
    got = "没有" if one.got == NOTHING else one.got
    if one.expected == NO_ISSUE:
        rule, _, message = one.got.partition(": ")
        got = f"{causes.rule(rule)}：{causes.sentence(message)}"
    elif one.expected.startswith(ISSUE):
        expected = f"问题 {causes.rule(one.expected.removeprefix(ISSUE).strip())}".strip()
    return f"{'整个内容' if one.path == WHOLE else one.path}：应为 {expected}，实际 {got}"


# --- JUnit ---


def _write(path: Path, results: list[CaseResult]) -> None:
    suites = ET.Element("testsuites", name="hub test")
    for mapping in sorted({result.mapping for result in results}):
        suites.append(_suite(mapping, [result for result in results if result.mapping == mapping]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise HubError("HUB-X-106", f"{path} cannot be written: {error.strerror}") from error


def _suite(mapping: str, results: list[CaseResult]) -> Any:
    failures = sum(not result.passed for result in results)
    suite = ET.Element("testsuite", name=mapping, tests=str(len(results)), failures=str(failures), errors="0")
    for result in results:
        case = ET.SubElement(suite, "testcase", classname=mapping, name=result.case)
        if not result.passed:
            failure = ET.SubElement(case, "failure", message=f"{len(result.differences)} differences")
            failure.text = "\n".join(str(difference) for difference in result.differences)
    return suite
