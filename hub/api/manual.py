"""Writes /docs, the manual of the HTTP surface, from its OpenAPI: one plain page that loads nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from hub.api.problems import MEDIA_TYPE

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "code{font-family:ui-monospace,monospace}"
)


def install(app: FastAPI) -> None:
    """Add /docs to the app, and let its OpenAPI say of which media type a problem is."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        told = plain()
        for operation in (one for path in told["paths"].values() for one in path.values()):
            for answer in operation["responses"].values():
                _as_problem(answer.get("content", {}))
        return told

    app.openapi = openapi  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    def docs() -> str:
        return page(app.openapi())


def _as_problem(content: dict[str, Any]) -> None:
    """Move the form of a problem from plain JSON, where FastAPI puts every form, to the media type it has."""
    if MEDIA_TYPE in content and "application/json" in content:
        content[MEDIA_TYPE] = content.pop("application/json")


def page(openapi: dict[str, Any]) -> str:
    """Return the manual as HTML."""
    title = escape(openapi["info"]["title"])
    rows = "".join(_rows(openapi))
    return (
        f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>'
        '<p>机器可读：<a href="/openapi.json">/openapi.json</a>（OpenAPI 3.1）。出错一律为 <code>application/problem+json</code>'
        "（RFC 9457），其中 <code>code</code> 可用 <code>hub explain</code> 查看。"
        "翻页：把 <code>next</code> 作为 <code>cursor</code> 再问。"
        "配置了令牌时，<code>/api</code> 与 <code>/-/reload</code> 要带 <code>Authorization: Bearer …</code>。</p>"
        f"<table><tr><th>方法<th>地址<th>说明<th>参数</tr>{rows}</table></html>"
    )


def _rows(openapi: dict[str, Any]) -> Iterator[str]:
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            given = ", ".join(_parameters(openapi, operation))
            summary = escape(operation.get("summary", ""))
            yield f"<tr><td>{method.upper()}<td><code>{escape(path)}</code><td>{summary}<td><code>{escape(given)}</code></tr>"


def _parameters(openapi: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        yield parameter["name"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = body.get("$ref", "").rpartition("/")[2]
    schema = openapi.get("components", {}).get("schemas", {}).get(name, {})
    for field in schema.get("properties", ()):
        yield f"{field}{'*' if field in schema.get('required', ()) else ''}"
