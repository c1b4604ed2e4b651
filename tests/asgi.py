"""Asks an HTTP application without a socket, as a plain synchronous client."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI


class Asker:
    """Sends requests to an application in this process; its bugs come back as the answers it gives to them."""

    def __init__(self, app: FastAPI, headers: dict[str, str] | None = None) -> None:
        self._app, self._headers = app, headers

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=self._headers) as client:
                return await client.request(method, path, **given)

        return asyncio.run(ask())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)
