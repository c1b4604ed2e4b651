"""Decides how `hub backup` copies the store of a hub, at work or not, into one file that can be put in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli import looking, terminal
from hub.cli.lang import say
from hub.errors import HubError


def register(app: typer.Typer) -> None:
    """Add `hub backup`."""
    help_ = say(
        "把存储备份成一个文件，运行中也可以；恢复：停下中枢，把文件放回原处。",
        "Copy the store into one file, also beside a hub at work; to restore, stop the hub and put the file in place.",
    )
    app.command("backup", help=help_)(backup)


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("备份文件，不能已存在", "the file to make; must not exist"))],
) -> None:
    """Back up: exit 2 when the file exists, cannot be written, or the store has its own tools for it."""
    screen = terminal.of(ctx)
    settings = screen.settings()
    if file.exists():
        raise HubError("HUB-X-106", f"{file} exists already", hint="choose another name; a backup overwrites nothing")
    with looking.store_of(settings) as store:
        try:
            size = store.backup(file)
        except OSError as error:
            raise HubError("HUB-X-106", f"{file} cannot be written: {error.strerror}") from error
    if screen.json:
        screen.data({"file": str(file), "bytes": size})
    else:
        screen.line(say(f"已备份到 {file}（{size} 字节）", f"backed up to {file} ({size} bytes)"), style="green")
