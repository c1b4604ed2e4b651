"""The options that every command takes, before its name or after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hub import __version__
from hub.cli.lang import say


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hub {__version__}")
        raise typer.Exit


Config = Annotated[
    Path,
    typer.Option(
        "-c", "--config", metavar="DIR", envvar="HUB_CONFIG", help=say("包含 config/ 的目录", "directory that holds config/")
    ),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file", metavar="FILE", help=say("变量文件，代替 config/hub.env", "file of variables, instead of config/hub.env")
    ),
]
Output = Annotated[Literal["text", "json"], typer.Option("-o", "--output", help=say("输出格式", "form of the output"))]
Json = Annotated[bool, typer.Option("--json", help=say("同 -o json", "the same as -o json"))]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help=say("只输出结果和错误", "nothing but results and errors"))]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help=say("多说一些；-vv 更多", "say more; -vv even more"))]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"] | None, typer.Option("--log-level", help=say("日志级别", "log level"))
]
LogFormat = Annotated[
    Literal["text", "json"], typer.Option("--log-format", envvar="HUB_LOG_FORMAT", help=say("日志格式", "form of the log"))
]
NoColour = Annotated[bool, typer.Option("--no-color", help=say("不用颜色（NO_COLOR 亦可）", "no colour (also NO_COLOR)"))]
Lang = Annotated[
    Literal["zh", "en"] | None, typer.Option("--lang", help=say("语言，缺省 HUB_LANG 或 zh", "language, else HUB_LANG or zh"))
]
Version = Annotated[
    bool, typer.Option("-V", "--version", is_eager=True, callback=_version, help=say("显示版本", "show the version"))
]
