"""Decides how a command that cannot go on says so: every finding, or the error with its remedy; on stderr, with an exit code."""

from __future__ import annotations

import traceback
from typing import Any

import orjson
from rich.text import Text

from hub.cli import causes, exits, words
from hub.cli.lang import say
from hub.cli.terminal import Terminal
from hub.errors import ConfigurationError, HubError
from hub.model import Finding

UNEXPECTED = "HUB-X-100"


def tell(terminal: Terminal, error: BaseException) -> int:
    """Say what went wrong on stderr and return the exit code."""
    error = _of_the_store(error)
    if not isinstance(error, HubError):
        return _unexpected(terminal, error)
    if terminal.json:
        _json(terminal, describe(error))
    elif isinstance(error, ConfigurationError):
        for finding in error.findings:
            terminal.finding(finding, terminal.err)
        terminal.err.print(Text(count(error.findings), style="bold"))
    else:
        message, hint = (causes.refused(error.code, text) for text in (error.message, error.hint))
        told = f"{error.code} {message}" + (say(f"（{hint}）", f" ({hint})") if hint else "")
        terminal.err.print(Text(told, style="red"), soft_wrap=True)
        terminal.remedy(error.code, terminal.err)
    return exits.of(error)


def _of_the_store(error: BaseException) -> BaseException:
    """Return the store's own error for what its driver raised; adapters turn theirs into outcomes of their own."""
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, DBAPIError):
        return error
    from hub.store import dialect

    return dialect.unreachable(error)


def count(findings: list[Finding]) -> str:
    """Return how many errors and warnings there are, for people."""
    warnings = sum(finding.warning for finding in findings)
    errors = len(findings) - warnings
    return say(
        f"{errors} 处错误，{warnings} 处警告；hub explain 代码 查看说明",
        f"{words.counted(errors, 'error')}, {words.counted(warnings, 'warning')}; see hub explain CODE",
    )


def describe(error: HubError) -> dict[str, Any]:
    """Return an error as JSON data."""
    told: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
    if isinstance(error, ConfigurationError):
        told["findings"] = [finding_data(finding) for finding in error.findings]
    return {"error": told}


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON data."""
    from hub import catalogue
    from hub.cli.lang import current

    place = finding.place
    return {
        "code": finding.code,
        "severity": "warning" if finding.warning else "error",
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "path": place.path,
        "message": finding.message,
        "hint": finding.hint,
        "explanation": catalogue.text(finding.code, current()),
    }


def _unexpected(terminal: Terminal, error: BaseException) -> int:
    """Name only the type and the place: the words of an unforeseen exception may quote a record or a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    message = f"unexpected {type(error).__name__} at {where}"
    if terminal.json:
        _json(terminal, {"error": {"code": UNEXPECTED, "message": message, "hint": ""}})
    else:
        terminal.err.print(Text(f"{UNEXPECTED} {message}", style="red"), soft_wrap=True)
        terminal.remedy(UNEXPECTED, terminal.err)
    if terminal.tracing():
        terminal.err.print(Text("".join(traceback.format_exception(error))), soft_wrap=True)
    return exits.USAGE


def _json(terminal: Terminal, value: dict[str, Any]) -> None:
    terminal.err.print(orjson.dumps(value, default=str).decode(), markup=False, highlight=False, soft_wrap=True)
