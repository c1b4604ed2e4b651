"""Decides what an error looks like over HTTP: RFC 9457 problems with our code, in Chinese and English."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hub import catalogue
from hub.errors import ConfigurationError, HubError, LeaseHeld, StoreUnfit

MEDIA_TYPE = "application/problem+json"
#: Error class -> status; anything else the hub says is a conflict with its present state.
_STATUS: tuple[tuple[type[HubError], int], ...] = ((ConfigurationError, 422), (StoreUnfit, 503), (LeaseHeld, 409))


class Missing(HubError):
    """There is no such thing."""


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(HubError, _of_hub)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)


def problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """Return one problem document."""
    entry = catalogue.explain(code)
    title = entry.text("zh").what if entry else detail
    body = {"type": f"urn:hub:{code}", "title": title, "status": status, "code": code, "detail": detail, **more}
    if entry:
        body["remedy"] = {"zh": entry.text("zh").do, "en": entry.text("en").do}
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


async def _of_hub(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HubError)
    status = 404 if isinstance(error, Missing) else next((code for kind, code in _STATUS if isinstance(error, kind)), 409)
    findings = [str(finding) for finding in error.findings] if isinstance(error, ConfigurationError) else None
    return problem(status, error.code, error.message, **({"findings": findings} if findings else {}))


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {401: "HUB-X-110", 404: "HUB-X-111", 405: "HUB-X-112"}.get(error.status_code, "HUB-X-113")
    response = problem(error.status_code, code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _of_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in error.errors()]
    return problem(422, "HUB-X-114", "the request is not of the documented form", errors=wrong)
