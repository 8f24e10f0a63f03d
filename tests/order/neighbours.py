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
    seen: bool = False
    exchanges: bool = True
    exchange_refused: str = ""
    exchange_gate: asyncio.Event | None = None
    exchanged: list[str] = field(default_factory=list)
    holds: dict[str, Json] = field(default_factory=dict)
    calls: "Counter[str]" = field(default_factory=Counter)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    looks: list[Json] = field(default_factory=list)

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

    async def reveal(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.looks.append(body)
        items = [{"entitlement_id": each, "code": f"CODE-{each[-4:]}"} for each in body["entitlement_ids"]]
        return web.json_response({"items": items})

    async def look(self, _: web.Request) -> web.Response:
        """Whether a component was seen, as the test says."""
        self.calls["look"] += 1
        return web.Response(status=500) if self.broken else web.json_response({"seen": self.seen})

    async def exchange(self, request: web.Request) -> web.Response:
        """A ticket's card: exchanged once per ticket and decider, or refused, as the test says."""
        self.calls["exchange"] += 1
        self.asked.set()
        if self.broken:
            return web.Response(status=500)
        if self.exchange_gate is not None:
            await self.exchange_gate.wait()
        body = await request.json()
        if self.exchange_refused:
            return web.json_response({"code": self.exchange_refused}, status=409)
        state = "replaced" if body["approved_by"] or self.exchanges else "open"
        if state == "replaced":
            self.exchanged.append(body["ticket_id"])
        return web.json_response({"state": state})

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


@dataclass
class Settlement:
    """Keeps one channel's money as settlement promises to: a purchase and a refund once, by their ids.

    `deaf`: what it is told is done, but no answer comes. `shown_minor` is what it says is there, where that is not so.
    """

    channel_id: str = ""
    balance_minor: int = 1_000_000
    shown_minor: int | None = None
    refuses_by: str = "account.insufficient"
    deaf: bool = False
    delay_s: float = 0.0
    purchases: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)

    async def find(self, request: web.Request) -> web.Response:
        if request.match_info["channel_id"] != self.channel_id:
            return web.json_response({"code": "channel.not_found"}, status=404)
        available = self.balance_minor if self.shown_minor is None else self.shown_minor
        return web.json_response({"name": "星河分销", "currency": "CNY", "available_minor": available})

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        await asyncio.sleep(self.delay_s)
        if body["order_id"] not in self.purchases:
            if body["amount_minor"] > self.balance_minor:
                return web.json_response({"code": self.refuses_by}, status=402)
            self.balance_minor -= body["amount_minor"]
            self.purchases[body["order_id"]] = body
        return web.Response(status=500) if self.deaf else web.json_response(body)

    async def purchase(self, request: web.Request) -> web.Response:
        found = self.purchases.get(request.match_info["order_id"])
        return web.json_response(found or {"code": "account.nothing_paid"}, status=200 if found else 404)

    async def give_back(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["refund_id"] not in self.refunds:
            self.balance_minor += body["amount_minor"]
            self.refunds[body["refund_id"]] = body
        return web.Response(status=500) if self.deaf else web.json_response(body)

    async def refund(self, request: web.Request) -> web.Response:
        found = self.refunds.get(request.match_info["refund_id"])
        return web.json_response(found or {"code": "account.nothing_paid"}, status=200 if found else 404)


def settlement_app(settlement: Settlement) -> web.Application:
    app = web.Application()
    app.router.add_get("/internal/channels/{channel_id}", settlement.find)
    app.router.add_post("/internal/channel-purchases", settlement.take)
    app.router.add_get("/internal/channel-purchases/{order_id}", settlement.purchase)
    app.router.add_post("/internal/channel-refunds", settlement.give_back)
    app.router.add_get("/internal/channel-refunds/{refund_id}", settlement.refund)
    return app


def inventory_app(inventory: Inventory) -> web.Application:
    app = web.Application()
    app.router.add_post("/internal/holds", inventory.hold)
    app.router.add_post("/internal/after-sale/looks", inventory.look)
    app.router.add_post("/internal/after-sale/exchanges", inventory.exchange)
    app.router.add_delete("/internal/holds/{order_id}", inventory.release)
    app.router.add_post("/internal/channel-reveals", inventory.reveal)
    return app


def risk_app(risk: Risk) -> web.Application:
    app = web.Application()
    app.router.add_post("/internal/decisions", risk.decide)
    app.router.add_post("/internal/decisions/late", risk.decide_late)
    return app
