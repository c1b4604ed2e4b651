"""Decides which module a command lives in and loads only that one: `hub --help` imports none of them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from hub.cli.lang import say

#: Options of `hub` itself that belong before the command, in both senses: they are not moved there.
_STAY = frozenset({"--help", "-h", "--version", "-V", "--install-completion", "--show-completion"})
_STUBS = "hub.stubs"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: where it lives and the line `hub --help` shows for it."""

    module: str
    zh: str
    en: str

    def load(self, name: str) -> Any:
        """Import the module, let it register, and return its command of that name."""
        app = typer.Typer(rich_markup_mode=None)
        importlib.import_module(self.module).register(app)
        command = typer.main.get_group(app).commands[name]
        command.epilog = say(
            "全局选项（-c、--json、-q、-v 等）写在命令前后均可，见 hub --help",
            "Global options (-c, --json, -q, -v …) go before or after the command; see hub --help",
        )
        return _plain(command)

    def stub(self, name: str) -> TyperCommand:
        """Return a stand-in that only has the help line."""
        return TyperCommand(name, help=say(self.zh, self.en))


def _plain(command: Any) -> Any:
    """Show switches without a type: Typer writes `<bool>` behind them."""
    for param in command.params:
        if getattr(param, "is_flag", False) or getattr(param, "count", False):
            param.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        _plain(inner)
    return command


class Commands(TyperGroup):
    """The `hub` command: loads commands lazily, takes global options anywhere, and turns errors into exit codes."""

    table: Mapping[str, Command] = {}
    tell: Callable[[Any, BaseException], int]

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = self.table.get(cmd_name)
        if command is None:
            return None
        return command.stub(cmd_name) if ctx.meta.get(_STUBS) else command.load(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        ctx.meta[_STUBS] = True
        _plain(self)
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = {name: command.stub(name) for name, command in self.table.items()}  # what «did you mean» looks at
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoisted(args, self._switches()))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError, EOFError):
            raise
        except Exception as error:
            if hasattr(error, "exit_code") or ctx.obj is None:  # wrong usage: shown by Typer itself
                raise
            raise typer.Exit(type(self).tell(ctx.obj, error)) from error

    def _switches(self) -> dict[str, bool]:
        """Return the global options that may also follow the command, and whether each takes a value."""
        options = [option for option in self.params if option.param_type_name == "option"]
        named = {name: not (option.is_flag or option.count) for option in options for name in option.opts}  # type: ignore[attr-defined]
        return {name: takes for name, takes in named.items() if name not in _STAY}


def hoisted(arguments: list[str], switches: Mapping[str, bool]) -> list[str]:
    """Move global options that follow the command in front of it, so that both orders work.

    `switches` is option -> takes a value. Nothing after `--` is touched.

    >>> hoisted(["check", "--live", "--json", "-c", "/etc/hub"], {"--json": False, "-c": True})
    ['--json', '-c', '/etc/hub', 'check', '--live']
    """
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*front, *rest, argument, *waiting]
        name = argument.split("=", 1)[0] if argument.startswith("--") else argument
        if name not in switches and not (re.fullmatch("-v+", name) and "-v" in switches):
            rest.append(argument)
            continue
        front.append(argument)
        if switches.get(name) and "=" not in argument and waiting:
            front.append(waiting.pop(0))
    return [*front, *rest]
