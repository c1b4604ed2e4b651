"""Decides what `hub init` puts into a new directory: the shipped example, and never over something that is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import hub
from hub.cli import terminal
from hub.cli.lang import say
from hub.errors import HubError

_PARTS = ("config", "mappings")


def register(app: typer.Typer) -> None:
    """Add `hub init`."""
    app.command("init", help=say("新建一套可运行的示例配置。", "Make a directory with a working example configuration."))(init)


def init(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help=say("目标目录，没有则新建", "the directory; made if it is not there"))
    ],
    force: Annotated[bool, typer.Option("--force", help=say("覆盖已有的同名文件", "overwrite files that are there"))] = False,
) -> None:
    """Copy the example into `directory`."""
    screen = terminal.of(ctx)
    copies = list(_copies(example(), directory))
    there = [copy.target for copy in copies if copy.target.exists()]
    if there and not force:
        raise HubError(
            "HUB-X-103", f"{len(there)} files are there already, {there[0]} among them", hint="add --force to overwrite them"
        )
    for copy in copies:
        _write(copy)
    if screen.json:
        screen.data({"directory": str(directory), "files": [str(copy.target.relative_to(directory)) for copy in copies]})
    else:
        screen.line(say(f"已写入 {len(copies)} 个文件到 {directory}", f"wrote {len(copies)} files to {directory}"))
    _next(screen, directory)


def example() -> Path:
    """Return where the shipped `config/` and `mappings/` stand: inside the package, or beside it in a source checkout."""
    package = Path(hub.__file__).parent
    for root in (package / "example", package.parent):
        if all((root / part).is_dir() for part in _PARTS):
            return root
    raise HubError("HUB-X-104", "the packaged example configuration is missing")


@dataclass(frozen=True, slots=True)
class _Copy:
    source: Path
    target: Path
    secret: bool = False


def _copies(root: Path, directory: Path) -> Iterator[_Copy]:
    """Yield every file of the example. A checkout's own hub.env stays there, and one that is there already is never touched."""
    for part in _PARTS:
        for source in sorted((root / part).rglob("*")):
            target = directory / source.relative_to(root)
            if source.name == "hub.env" or not source.is_file():
                continue
            yield _Copy(source, target)
            if source.name == "hub.env.example" and not (secret := target.with_name("hub.env")).exists():
                yield _Copy(source, secret, secret=True)


def _write(copy: _Copy) -> None:
    try:
        copy.target.parent.mkdir(parents=True, exist_ok=True)
        if copy.secret:
            copy.target.touch(mode=0o600)  # its owner's alone before anything stands in it
        shutil.copyfile(copy.source, copy.target)
    except OSError as error:
        raise HubError("HUB-X-106", f"{copy.target} cannot be written: {error.strerror}") from error


def _next(screen: terminal.Terminal, directory: Path) -> None:
    screen.note("接下来：", "Next:")
    steps = [
        (f"cd {directory}", "", ""),
        (
            "config/hub.env",
            "填真实的地址和口令；先用沙箱试，就不必改",
            "real addresses and passwords; as it is, it fits the sandbox",
        ),
        ("hub check", "检查配置", "check the configuration"),
        ("hub test", "运行映射用例", "run the mapping cases"),
        ("hub sandbox", "另开窗口：在这台机器上模拟全部对方", "in a second window: all far sides, made up, on this machine"),
        ("hub serve", "开始读取和投递", "read and deliver"),
    ]
    for command, zh, en in steps:
        screen.note(f"  {command:<14} {zh}".rstrip(), f"  {command:<14} {en}".rstrip())
