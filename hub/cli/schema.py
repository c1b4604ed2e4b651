"""Decides which JSON Schema `hub schema` prints for which file, so that an editor completes and checks what people type."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub.cli import terminal
from hub.cli.lang import say
from hub.documents import suggest
from hub.errors import HubError


def register(app: typer.Typer) -> None:
    """Add `hub schema`."""
    help_ = say(
        "输出配置文件的 JSON Schema：hub、system、route、quality、mapping、contract、cases，或 adapter 名称。",
        "Print the JSON Schema of a file: hub, system, route, quality, mapping, contract, cases, or adapter NAME.",
    )
    app.command("schema", help=help_)(schema)


def schema(
    ctx: typer.Context,
    what: Annotated[str | None, typer.Argument(help=say("哪种文件；不写则列出", "which file; none lists them"))] = None,
    name: Annotated[str | None, typer.Argument(help=say("适配器名称（用于 adapter）", "the adapter's name, for adapter"))] = None,
) -> None:
    """Print one schema as JSON, or the list of what there is."""
    from hub.settings import export

    screen = terminal.of(ctx)
    if what is None:
        _list(screen)
    elif what == "adapter":
        screen.data(_adapter(name))
    elif what in export.FILES:
        screen.data(export.FILES[what].make())
    else:
        raise HubError(
            "HUB-X-102", f"there is no schema {what!r}", hint=suggest(what, [*export.FILES, "adapter"]) or "hub schema lists them"
        )


def _list(screen: terminal.Terminal) -> None:
    from hub import registry
    from hub.settings import export

    if screen.json:
        screen.data({"files": {name: file.where for name, file in export.FILES.items()}, "adapters": registry.names()})
        return
    for name, file in export.FILES.items():
        screen.line(f"{name:<10} {file.where}")
    for adapter in registry.names():
        screen.line(f"adapter {adapter}")
    hint = "# yaml-language-server: $schema=…"
    screen.note(
        f"编辑器用法：hub schema system > system.json，并在 YAML 首行写 {hint}",
        f"for editors: hub schema system > system.json, then begin the YAML with {hint}",
    )


def _adapter(name: str | None) -> dict[str, Any]:
    from hub import registry
    from hub.settings import export

    if name is None:
        raise HubError("HUB-X-102", "which adapter?", hint=f"one of {', '.join(registry.names())}")
    return export.adapter(name)
