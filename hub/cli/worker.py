"""Decides what `hub worker` is: one of several processes, on one machine or many, that share the work on one PostgreSQL store."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from hub.cli import atwork, terminal
from hub.cli.atwork import Http, Port
from hub.cli.lang import say


def register(app: typer.Typer) -> None:
    """Add `hub worker`."""
    help_ = say(
        "与其他 worker 分担同一个 PostgreSQL 存储上的工作，一台或多台机器均可。SIGHUP 重新载入配置，SIGTERM 排空后退出。",
        "Share the work on one PostgreSQL store with others, on one machine or many. SIGHUP reloads, SIGTERM drains and leaves.",
    )
    app.command("worker", help=help_)(worker)


def worker(
    ctx: typer.Context,
    port: Port = None,
    http: Http = True,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help=say(
                "这个进程的名字（缺省主机名），后面总会加上唯一的后缀",
                "what to call this process, else its host; a unique suffix is added",
            ),
        ),
    ] = None,
) -> None:
    """Work: exit 130 or 143 after a clean drain, 3 when something was still in flight, 5 when a hub holds the store for itself."""
    from hub.engine.service import working

    raise typer.Exit(atwork.live(terminal.of(ctx), partial(working, name=name), http=http, port=port))
