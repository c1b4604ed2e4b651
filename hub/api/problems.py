"""Decides what an error looks like over HTTP: RFC 9457 problems with our code, in Chinese and English."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from hub import catalogue
from hub.api.models import Problem
from hub.errors import Closing, ConfigurationError, Fenced, HubError, LeaseHeld, PushRefused, StoreUnfit, Unauthentic
from hub.store.groups import Unknown
from hub.store.pushes import NumberReused
from hub.store.wishes import KeyReused

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_CODES = {401: "HUB-X-110", 404: "HUB-X-111", 405: "HUB-X-112"}
#: What OpenAPI says of errors; the same for every operation.
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem (RFC 9457)", "model": Problem, "content": {MEDIA_TYPE: {}}},
    422: {"description": "Not of the documented form", "model": Problem, "content": {MEDIA_TYPE: {}}},
}


class Missing(HubError):
    """There is no such thing."""


class TooLarge(HubError):
    """The body has more bytes than are taken."""


class TooSlow(HubError):
    """The body did not come in time."""


class TooMany(HubError):
    """More is under way than is taken at once."""


class Refused(HubError):
    """The wish itself cannot be served, whatever the hub's state."""


#: Error class -> status; anything else the hub says is a conflict with its present state.
_STATUS: tuple[tuple[type[HubError], int], ...] = (
    (ConfigurationError, 422),
    (KeyReused, 422),
    (Refused, 422),
    (NumberReused, 422),
    (Unauthentic, 401),
    (PushRefused, 422),
    (TooSlow, 408),
    (TooLarge, 413),
    (TooMany, 429),
    (Closing, 503),
    (Fenced, 503),
    (Missing, 404),
    (Unknown, 404),
    (StoreUnfit, 503),
    (LeaseHeld, 409),
)

#: Statuses after which the same may be asked again, and the seconds to wait.
_LATER = {429: "1", 503: "5"}
#: Statuses after which more of the body may still come: nobody waits for its end.
_UNREAD = frozenset({408, 413})


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(HubError, _of_hub)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(OperationalError, _of_store)
    app.add_exception_handler(Exception, _of_bug)


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
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 409)
    more: dict[str, Any] = {"hint": error.hint} if error.hint else {}
    if isinstance(error, ConfigurationError):
        more["findings"] = [str(finding) for finding in error.findings]
    response = problem(status, error.code, error.message, **more)
    if status in _LATER:
        response.headers["Retry-After"] = _LATER[status]
    if status in _UNREAD:
        response.headers["Connection"] = "close"
    return response


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = problem(error.status_code, _CODES.get(error.status_code, "HUB-X-113"), str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _of_request(_: Request, error: Exception) -> JSONResponse:
    """Name the places and the rules; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    wrong = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in error.errors()]
    return problem(422, "HUB-X-114", "the request is not of the documented form", errors=wrong)


async def _of_store(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OperationalError)
    log.error("the store does not answer: %s", type(error.orig).__name__, extra={"event": "http.store", "path": request.url.path})
    return problem(503, "HUB-X-118", "the store does not answer")


async def _of_bug(_: Request, error: Exception) -> JSONResponse:
    """Answer with a number only: the words of an unforeseen exception may quote a record. The server logs its traceback."""
    number = uuid.uuid4().hex[:12]
    log.error("request failed: %s", type(error).__name__, extra={"event": "http.bug", "instance": number})
    return problem(500, "HUB-X-117", f"unexpected {type(error).__name__}", instance=f"urn:hub:error:{number}")
