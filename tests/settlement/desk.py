"""The settlement service over HTTP, with callers as the gateway presents them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.settlement.main import build
from services.settlement.settings import Settings
from shared.clock import new_id
from shared.http import IDENTITY_HEADER, Identity, IdentitySigner, Role
from shared.settings import Environment, ProcessRole, read_key


@dataclass(frozen=True)
class Desk:
    """Calls the service. `json` bodies get an idempotency key of their own unless one is given."""

    client: httpx.AsyncClient
    signer: IdentitySigner

    async def operator(
        self, method: str, path: str, *, scopes: frozenset[str] = frozenset({"finance"}), **more: Any
    ) -> httpx.Response:
        return await self.call(Identity(Role.OPERATOR, str(OPERATOR_ID), scopes=scopes), method, path, **more)

    async def partner(self, partner_id: UUID, path: str, **more: Any) -> httpx.Response:
        return await self.call(Identity(Role.PARTNER, str(partner_id)), "GET", path, **more)

    async def service(self, path: str) -> httpx.Response:
        return await self.call(Identity(Role.SERVICE, "gateway"), "GET", path)

    async def call(
        self, identity: Identity, method: str, path: str, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = {IDENTITY_HEADER: self.signer.sign(identity), "Idempotency-Key": key or str(new_id())}
        return await self.client.request(method, path, headers=headers, **more)


OPERATOR_ID = new_id()


@asynccontextmanager
async def open_desk(database_url: str, keys_directory: Path) -> AsyncIterator[Desk]:
    settings = Settings(
        environment=Environment.TEST,
        database_url=database_url,
        keys_dir=keys_directory,
        roles=frozenset({ProcessRole.API}),
    )
    app = build(settings)
    signer = IdentitySigner(read_key(keys_directory, "internal.key"), "gateway")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://settlement") as client,
    ):
        yield Desk(client, signer)
