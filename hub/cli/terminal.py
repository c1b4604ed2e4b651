"""Decides where a command's words go: data to stdout, everything else to stderr; as text for people or as JSON."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import typer
from rich.console import Console
from rich.text import Text

from hub.cli.lang import say
from hub.model import Finding

if TYPE_CHECKING:
    from hub.settings import Settings

#: Columns when nobody looks: nothing is cut off in a file or a pipe.
PIPE_WIDTH = 200
_LEVELS = ("warning", "info", "debug")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The global options of one call, and the two streams."""

    directory: Path
    out: Console
    err: Console
    env_file: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    log_level: str | None = None
    log_format: str = "text"

    def level(self, usual: str = "warning") -> str:
        """Return the log level: --log-level, else what -q and -v ask for, else `usual`."""
        if self.log_level:
            return self.log_level
        if self.quiet:
            return "error"
        return _LEVELS[min(self.verbose, 2)] if self.verbose else usual

    def tracing(self) -> bool:
        """Tell whether tracebacks are wanted."""
        return self.verbose > 0 or self.log_level == "debug"

    def settings(self) -> Settings:
        """Load the configuration and show its warnings. Raises ConfigurationError."""
        from hub.settings import load

        settings = load(self.directory, env_file=self.env_file)
        for warning in () if self.quiet else settings.warnings:
            self.finding(warning, self.err)
        return settings

    def command(self, text: str) -> str:
        """Return a `hub …` command, or several joined by ` && `, so that it can be typed as it stands: for this configuration."""
        same = [Path(), *([Path(named)] if (named := os.environ.get("HUB_CONFIG")) else [])]
        way = f" -c {shlex.quote(str(self.directory))}" if self.directory.resolve() not in {one.resolve() for one in same} else ""
        way += f" --env-file {shlex.quote(str(self.env_file))}" if self.env_file else ""
        return " && ".join(f"{one}{way}" if one.startswith("hub ") else one for one in text.split(" && "))

    def data(self, value: Any) -> None:
        """Write a result as JSON to stdout."""
        text = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
        self.out.print(text, markup=False, highlight=False, soft_wrap=True)

    def line(self, text: str, style: str = "") -> None:
        """Write one line of data to stdout, never wrapped or cut."""
        self.out.print(Text(text, style=style), soft_wrap=True)

    def count(self, number: int) -> None:
        """Write a bare number to stdout for a program; whoever sits at a terminal was told it in a sentence (`note`)."""
        if self.quiet or not self.out.is_terminal:
            self.line(str(number))

    def note(self, zh: str, en: str, style: str = "") -> None:
        """Say something to the person, on stderr, unless -q."""
        if not self.quiet:
            self.err.print(Text(say(zh, en), style=style), soft_wrap=True)

    def finding(self, finding: Finding, to: Console) -> None:
        """Write one finding: where, code, message and hint; below it what it means and what to do."""
        place = finding.place
        where = ":".join([place.file, *(str(number) for number in (place.line, place.column) if number)]) if place.file else ""
        line = Text()
        line.append(f"{where} " if where else "", style="bold")
        line.append(f"{place.path} " if place.path else "")
        line.append(f"{finding.code} ", style="yellow" if finding.warning else "red")
        line.append(f"{finding.message}{f' ({finding.hint})' if finding.hint else ''}")
        to.print(line, soft_wrap=True)
        self.remedy(finding.code, to)

    def remedy(self, code: str, to: Console) -> None:
        """Write what a code means and what to do about it, one indented line."""
        from hub import catalogue
        from hub.cli.lang import current

        if entry := catalogue.explain(code):
            text = entry.text(current())
            to.print(Text(f"    {text.what} → {text.do}", style="dim"), soft_wrap=True)


def of(ctx: typer.Context) -> Terminal:
    """Return the terminal of a command's call."""
    terminal = ctx.find_object(Terminal)
    assert terminal is not None  # the app's callback made it
    return terminal


def console(*, stderr: bool, plain: bool) -> Console:
    """Return a console on stdout or stderr; `plain`: no colour and no bold."""
    stream: TextIO = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    # no markup, no emoji codes: titles and keys are other people's words, and `[/]` or `:key:` are text in them
    return Console(stderr=stderr, width=width, color_system=None if plain else "auto", markup=False, emoji=False, highlight=False)
