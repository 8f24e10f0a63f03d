"""Calls to the risk service, signed as the gateway and the other services sign them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from shared.http import IDENTITY_HEADER, Identity, IdentitySigner, Role
from shared.settings import read_key

ORDER_SERVICE = Identity(role=Role.SERVICE, subject="order")
OPERATOR = Identity(role=Role.OPERATOR, subject="operator-one", scopes=frozenset({"risk"}))
BUYER = Identity(role=Role.BUYER, subject=str(uuid4()))

EVENTUALLY_S = 5.0


@dataclass(frozen=True)
class RiskClient:
    """One process of the service."""

    http: httpx.AsyncClient
    signer: IdentitySigner

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        who: Identity = OPERATOR,
        key: str | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        headers = {IDENTITY_HEADER: self.signer.sign(who), "Idempotency-Key": key or str(uuid4())}
        return await self.http.request(method, path, json=body, content=content, headers=headers)

    async def decide(self, **question: Any) -> dict[str, Any]:
        """Ask as the order service does."""
        asked = {"kind": "checkout", "ip": "203.0.113.7", "order_id": str(uuid4()), **question}
        answer = await self.call("POST", "/internal/decisions", body=asked, who=ORDER_SERVICE)
        assert answer.status_code == 200, answer.text
        decided: dict[str, Any] = answer.json()
        return decided

    async def get(self, path: str, **query: Any) -> Any:
        headers = {IDENTITY_HEADER: self.signer.sign(OPERATOR)}
        answer = await self.http.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextlib.asynccontextmanager
async def client_of(app: FastAPI, keys_dir: Path) -> AsyncIterator[RiskClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://risk") as http:
        yield RiskClient(http=http, signer=IdentitySigner(read_key(keys_dir, "internal.key"), "tests"))


async def eventually(holds: Callable[[], Awaitable[bool]], *, within_s: float = EVENTUALLY_S) -> None:
    """Wait until it holds.

    :raises TimeoutError: it does not in that time.
    """
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110  # nobody announces what happens in another process
            await asyncio.sleep(0.02)
