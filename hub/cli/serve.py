"""Decides what `hub serve` is: the one hub that works on its store, alone."""

from __future__ import annotations

import typer

from hub.cli import atwork, terminal
from hub.cli.atwork import Http, Port
from hub.cli.lang import say


def register(app: typer.Typer) -> None:
    """Add `hub serve`."""
    help_ = say(
        "持续运行：按计划读取、投递、轮询回执，并提供 HTTP 接口和指标。SIGHUP 重新载入配置，SIGTERM 排空后退出。",
        "Work until stopped: schedules, delivery, feedback, HTTP API and metrics. SIGHUP reloads, SIGTERM drains and leaves.",
    )
    app.command("serve", help=help_)(serve)


def serve(ctx: typer.Context, port: Port = None, http: Http = True) -> None:
    """Serve: exit 130 or 143 after a clean drain, 3 when something was still in flight, 5 when another hub holds the store."""
    from hub.engine.service import serving

    raise typer.Exit(atwork.live(terminal.of(ctx), serving, http=http, port=port))
