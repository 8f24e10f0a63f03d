"""Calls to the inventory service, signed as the gateway and the other services sign them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from shared.clock import new_id
from shared.http import IDENTITY_HEADER, Identity, IdentitySigner, Role

OPERATOR = Identity(role=Role.OPERATOR, subject=str(new_id()), ip="203.0.113.9", scopes=frozenset({"admin"}))
ORDER_SERVICE = Identity(role=Role.SERVICE, subject="order")
ANYONE = Identity(role=Role.ANONYMOUS, subject="", ip="203.0.113.9")


def buyer(member_id: UUID | None = None) -> Identity:
    return Identity(role=Role.BUYER, subject=str(member_id or new_id()), ip="203.0.113.7", device="phone-1")


def guest(order_id: UUID) -> Identity:
    return Identity(role=Role.GUEST, subject=str(order_id), ip="203.0.113.7", order_id=order_id)


def partner(partner_id: UUID) -> Identity:
    return Identity(role=Role.PARTNER, subject=str(partner_id), ip="203.0.113.8")


@dataclass(frozen=True)
class Door:
    """One process of the service."""

    http: httpx.AsyncClient
    signer: IdentitySigner

    async def call(
        self,
        method: str,
        path: str,
        *,
        who: Identity = OPERATOR,
        key: str | None = None,
        content_type: str | None = None,
        **rest: Any,
    ) -> httpx.Response:
        headers = {IDENTITY_HEADER: self.signer.sign(who), "Idempotency-Key": key or str(new_id())}
        if content_type is not None:
            headers["Content-Type"] = content_type
        return await self.http.request(method, path, headers=headers, **rest)

    async def get(self, path: str, *, who: Identity = OPERATOR, expect: int = 200, **query: Any) -> Any:
        answer = await self.call("GET", path, who=who, params=query)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Any = None, *, who: Identity = OPERATOR, expect: int = 201, key: str | None = None
    ) -> Any:
        answer = await self.call("POST", path, who=who, key=key, json=body)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def product(self, name: str = "视频会员", **more: Any) -> str:
        made = await self.post("/v1/ops/products", {"name": name, "category": "video", **more})
        return str(made["product_id"])

    async def sku(self, product_id: str, **more: Any) -> str:
        body = {"product_id": product_id, "name": "月卡", "kind": "card_key", "price_minor": 1_900, **more}
        return str((await self.post("/v1/ops/skus", body))["sku_id"])

    async def reveal(self, entitlement_id: UUID, who: Identity) -> httpx.Response:
        return await self.call("POST", f"/v1/wallet/entitlements/{entitlement_id}/reveal", who=who, json={})
