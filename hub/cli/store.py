"""Decides how `hub store copy` moves a store to another database: a copy that is proven, and nothing switched over by itself."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli import looking, terminal
from hub.cli.lang import say

if TYPE_CHECKING:
    from hub.store.copying import Copied


Target = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        envvar="HUB_COPY_TO",
        help=say(
            "目标，如 postgresql://…；含口令的可放在环境变量里",
            "the target, e.g. postgresql://…; the variable hides a password",
        ),
    ),
]


def register(app: typer.Typer) -> None:
    """Add `hub store`."""
    group = typer.Typer(no_args_is_help=True, help=say("存储：搬到另一个数据库。", "The store: move it to another database."))
    help_ = say(
        "把整个存储复制到一个空的数据库（SQLite 与 PostgreSQL 之间均可），核对行数和摘要；原存储不变。先停下中枢。",
        "Copy the whole store into an empty database, SQLite or PostgreSQL, and check it; the source stays. Stop the hub first.",
    )
    group.command("copy", help=help_)(copy)

    @group.callback()
    def _group() -> None: ...

    app.add_typer(group, name="store")


def copy(ctx: typer.Context, target: Target) -> None:
    """Copy: exit 5 while a hub works on either store, 2 when the target is not empty or what arrived differs."""
    from hub.store import copying, open_store

    screen = terminal.of(ctx)

    def told(one: Copied) -> None:
        screen.note(f"{one.table}：{one.rows} 行", f"{one.table}: {one.rows} rows")

    with looking.store_of(screen.settings()) as source, closing(open_store(target)) as there:
        found = copying.copy(source, there, told)
    rows = sum(one.rows for one in found)
    if screen.json:
        screen.data({"rows": rows, "tables": {one.table: one.rows for one in found}})
    else:
        switch = "config/hub.env"  # and not hub.yaml, which others may read: the address holds a password
        zh = f"已复制并核对 {rows} 行；把 {switch} 的 HUB_STORE 改为新地址后再启动"
        en = f"copied and checked {rows} rows; set HUB_STORE in {switch} to the new address, then start"
        screen.line(say(zh, en), style="green")
