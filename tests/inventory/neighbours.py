"""Risk and order as inventory meets them: small real servers whose answers a test chooses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from services.inventory.clients.orders import OrdersClient
from shared.http import IdentitySigner, ServiceClient


@dataclass
class Risk:
    """Says what the test chose, after `delay_s`."""

    decision: str = "allow"
    delay_s: float = 0.0
    broken: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def decide(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        await asyncio.sleep(self.delay_s)
        if self.broken:
            return web.Response(status=500)
        return web.json_response({"decision_id": str(uuid4()), "decision": self.decision, "reasons": ["chosen"]})


@dataclass
class Orders:
    """Knows which orders live. `client` asks it as inventory does; `meanwhile` happens between its look and its answer."""

    client: OrdersClient
    live: set[UUID] = field(default_factory=set)
    broken: bool = False
    asked: int = 0
    meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def pick_live(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.broken:
            return web.Response(status=500)
        wanted = [UUID(order_id) for order_id in (await request.json())["order_ids"]]
        live = [str(order_id) for order_id in wanted if order_id in self.live]
        if self.meanwhile is not None:
            await self.meanwhile()
        return web.json_response({"order_ids": live})


@asynccontextmanager
async def running_risk() -> AsyncIterator[Risk]:
    """Risk on a port of its own."""
    risk = Risk()
    async with _served("/internal/decisions", risk.decide) as url:
        risk.url = url
        yield risk


@asynccontextmanager
async def running_orders() -> AsyncIterator[Orders]:
    """Order on a port of its own."""

    async def pick_live(request: web.Request) -> web.Response:
        return await orders.pick_live(request)

    async with _served("/internal/live-orders", pick_live) as url:
        service = ServiceClient(url, IdentitySigner(b"k" * 32, "inventory"), neighbour="order")
        orders = Orders(OrdersClient(service))
        yield orders
        await service.close()


@asynccontextmanager
async def _served(path: str, answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post(path, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
