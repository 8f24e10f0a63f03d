"""Buyers with delivered orders who want something after the sale, and the shop's side of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from services.order.jobs.tickets import TicketJobs
from shared.clock import new_id, utc_now
from shared.http import Identity, Role
from tests.order.facts import components, issued
from tests.order.shop import Shop, bundle, offer

Json = dict[str, Any]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


@dataclass
class Buyer:
    """Somebody with a delivered order; a guest has no `member`."""

    shop: Shop
    order: Json
    member: UUID | None

    @property
    def path(self) -> str:
        return f"/v1/orders/{self.order['order_id']}/tickets"

    def headers(self, *, key: str | None = None) -> dict[str, str]:
        return self.shop.headers(self.member, key=key, order_id=UUID(self.order["order_id"]))

    async def opens(
        self, kind: str = "refund", *, part: int = 0, key: str | None = None, **more: Any
    ) -> httpx.Response:
        component = components(self.order)[part]
        line = next(line for line in self.order["lines"] if component in line["components"])
        body = {
            "line_id": line["line_id"],
            "component_id": component["component_id"],
            "kind": kind,
            "reason": "already_used",
            "description": "卡密 SECRET-CODE 提示已被使用",
            **more,
        }
        return await self.shop.http.post(self.path, json=body, headers=self.headers(key=key))

    async def ticket(self, kind: str = "refund", **more: Any) -> str:
        opened = await self.opens(kind, **more)
        assert opened.status_code == 201, opened.text
        return str(opened.json()["ticket_id"])

    async def sees(self, ticket_id: str) -> Json:
        answer = await self.shop.http.get(f"{self.path}/{ticket_id}", headers=self.headers())
        assert answer.status_code == 200, answer.text
        seen: Json = answer.json()
        return seen

    async def does(self, ticket_id: str, what: str, body: Json | None = None) -> httpx.Response:
        return await self.shop.http.post(f"{self.path}/{ticket_id}/{what}", json=body, headers=self.headers())

    async def shows(self, ticket_id: str, image: bytes) -> httpx.Response:
        return await self.shop.http.post(f"{self.path}/{ticket_id}/evidence", content=image, headers=self.headers())


async def buyer_of(shop: Shop, *, member: UUID | None = None, parts: int = 1) -> Buyer:
    sold = offer() if parts == 1 else bundle(*[1] * parts)
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    await shop.hear(*[issued(order, part) for part in components(order)])
    return Buyer(shop, await shop.order(order["order_id"], member=member), member)


async def settle(shop: Shop, *, later: timedelta = timedelta(0)) -> None:
    jobs = TicketJobs(
        shop.database, shop.desk.after_sale, shop.desk.papers, shop.desk.ticket_deadlines, lambda: utc_now() + later
    )
    await jobs.settle()
    await jobs.keep_deadlines()


async def decides(shop: Shop, ticket_id: str, outcome: str, *, scope: str = "orders", key: str = "") -> httpx.Response:
    headers = operator(shop, scope)
    if key:
        headers["Idempotency-Key"] = key
    body = {"outcome": outcome, "reason": "已核实"}
    return await shop.http.post(f"/v1/ops/tickets/{ticket_id}/resolution", json=body, headers=headers)


def operator(shop: Shop, *scopes: str) -> dict[str, str]:
    identity = Identity(Role.OPERATOR, str(new_id()), scopes=frozenset({"orders", *scopes}))
    return {**shop.signed(identity), "Idempotency-Key": str(new_id())}
