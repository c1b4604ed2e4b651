"""Decides what an operator of the sandbox may ask and change while it runs: a small HTTP control API in JSON.

`GET /_twin/stats` and `GET /_twin/held` answer for all twins, or one with `?twin=gateway`; `POST /_twin/faults` takes
`{"twin": "gateway", "rates": {"error_503": 0.1}, "script": ["reset_after", null], "limits": {"slow": 3}}` and replaces what it
names;
`POST /_twin/marker` takes `{"marker": "0042"}` (null: none) for the province's refusing trigger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson

from hub.sandbox.farside import FarSide
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.twins.province import ProvinceTwin
from hub.sandbox.web import Answer, Request


class Control:
    """The control API over some twins."""

    def __init__(self, twins: Mapping[str, FarSide]) -> None:
        self.plan = FaultPlan()  # it never misbehaves
        self._twins = twins
        self._routes = {
            ("GET", "/_twin/stats"): self._stats,
            ("GET", "/_twin/held"): self._held,
            ("POST", "/_twin/faults"): self._faults,
            ("POST", "/_twin/marker"): self._marker,
        }

    def came(self, request: Request) -> bool:
        """Let no request meet a fault."""
        return False

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Answer one request; what is wrong with it is said in 400."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _json(404, {"error": "unknown path", "paths": sorted(path for _, path in self._routes)})
        try:
            return _json(200, route(request))
        except (KeyError, TypeError, ValueError) as error:
            return _json(
                400, {"error": f"{type(error).__name__}: {error}", "twins": sorted(self._twins), "faults": sorted(FaultKind)}
            )

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Never called: nothing here meets a fault."""
        return _json(500, {})

    def _chosen(self, request: Request) -> Iterable[tuple[str, FarSide]]:
        wanted = parse_qs(request.query).get("twin")
        return [(wanted[0], self._twins[wanted[0]])] if wanted else self._twins.items()

    def _stats(self, request: Request) -> Any:
        return {name: twin.stats() for name, twin in self._chosen(request)}

    def _held(self, request: Request) -> Any:
        return {
            name: [{"endpoint": one.endpoint, "row": one.row, "content": one.content} for one in twin.held()]
            for name, twin in self._chosen(request)
        }

    def _faults(self, request: Request) -> Any:
        body = orjson.loads(request.body)
        twin = self._twins[body["twin"]]
        twin.plan.change(
            rates=_kinds(body.get("rates"), float),
            script=None if body.get("script") is None else [FaultKind(kind) if kind else None for kind in body["script"]],
            limits=_kinds(body.get("limits"), int),
        )
        return {"twin": body["twin"], "faults": twin.plan.thrown()}

    def _marker(self, request: Request) -> Any:
        marker = orjson.loads(request.body)["marker"]
        for twin in self._twins.values():
            if isinstance(twin, ProvinceTwin):
                twin.refuse_marked(marker)
        return {"marker": marker}


def _kinds(given: Mapping[str, Any] | None, number: type[float] | type[int]) -> dict[FaultKind, Any] | None:
    return None if given is None else {FaultKind(kind): number(value) for kind, value in given.items()}


def _json(status: int, body: Any) -> Answer:
    return Answer(status, orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), "application/json; charset=utf-8")
