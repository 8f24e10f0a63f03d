"""Inventory and risk as order meets them: small real servers whose answers a test chooses."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

Json = dict[str, Any]


@dataclass
class Inventory:
    """Keeps holds as inventory promises to: one per order, however often it is asked for."""

    stock: int = 1_000_000
    delay_s: float = 0.0
    broken: bool = False
    holds: dict[str, Json] = field(default_factory=dict)
    calls: "Counter[str]" = field(default_factory=Counter)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def held_units(self) -> int:
        return sum(part["quantity"] for hold in self.holds.values() for part in hold["components"])

    async def hold(self, request: web.Request) -> web.Response:
        self.calls["hold"] += 1
        self.asked.set()
        body = await request.json()
        await asyncio.sleep(self.delay_s)
        if self.broken:
            return web.Response(status=500)
        if body["order_id"] in self.holds:
            return web.json_response({}, status=201)
        wanted = sum(part["quantity"] for part in body["components"])
        if self.held_units + wanted > self.stock:
            problem = {
                "code": "stock.insufficient",
                "detail": "not enough",
                "sku_id": body["components"][0]["sku_id"],
                "available": self.stock - self.held_units,
            }
            return web.json_response(problem, status=409)
        self.holds[body["order_id"]] = body
        return web.json_response({}, status=201)

    async def release(self, request: web.Request) -> web.Response:
        self.calls["release"] += 1
        order_id = request.match_info["order_id"]
        self.holds.pop(order_id, None)
        return web.Response(status=204)


@dataclass
class Risk:
    """Says what the test chose. `asked_again` are the questions of checkouts that were not answered in time."""

    decision: str = "allow"
    delay_s: float = 0.0
    broken: bool = False
    asked: list[Json] = field(default_factory=list)
    asked_again: list[Json] = field(default_factory=list)

    async def decide_late(self, request: web.Request) -> web.Response:
        self.asked_again.append(await request.json())
        return self._answer()

    async def decide(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        await asyncio.sleep(self.delay_s)
        return self._answer()

    def _answer(self) -> web.Response:
        if self.broken:
            return web.Response(status=500)
        return web.json_response({"decision_id": str(uuid4()), "decision": self.decision, "reasons": []})


def inventory_app(inventory: Inventory) -> web.Application:
    app = web.Application()
    app.router.add_post("/internal/holds", inventory.hold)
    app.router.add_delete("/internal/holds/{order_id}", inventory.release)
    return app


def risk_app(risk: Risk) -> web.Application:
    app = web.Application()
    app.router.add_post("/internal/decisions", risk.decide)
    app.router.add_post("/internal/decisions/late", risk.decide_late)
    return app
