"""A reseller who buys by API at a shop, as the gateway lets it in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.order.clients.accounts import NAME
from services.order.clients.providers import MoneyKeeper, Providers
from services.order.jobs import Jobs
from shared.clock import new_id, utc_now
from shared.contracts.inventory import SkuOffer
from shared.http import Identity, Role
from tests.order.shop import Json, Shop

TERMS = "/v1/ops/channels/{}/terms"


@dataclass
class Reseller:
    """One channel with an account at the shop's settlement."""

    shop: Shop
    channel_id: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        self.shop.settlement.channel_id = str(self.channel_id)

    @property
    def identity(self) -> Identity:
        return Identity(Role.CHANNEL, str(self.channel_id), "203.0.113.9")

    async def agrees(self, **terms: Any) -> httpx.Response:
        """Have an operator set the terms."""
        path = TERMS.format(self.channel_id)
        return await self.shop.http.put(path, json=terms, headers=self.shop.operator_headers(scope="finance"))

    async def hears_at(self, url: str, **more: Any) -> httpx.Response:
        """Have an operator say where webhooks go."""
        path, headers = f"/v1/ops/channels/{self.channel_id}/webhook", self.shop.operator_headers(scope="finance")
        return await self.shop.http.put(path, json={"url": url, **more}, headers=headers)

    async def messages(self, state: str) -> list[Json]:
        path = f"/v1/ops/channels/{self.channel_id}/webhook/messages?state={state}"
        answer = await self.shop.http.get(path, headers=self.shop.operator_headers(scope="finance"))
        items: list[Json] = answer.json()["items"]
        return items

    async def orders(self, external_id: str, *lines: tuple[SkuOffer, int], **more: Any) -> httpx.Response:
        wanted = [{"sku_id": str(offer.sku_id), "quantity": quantity} for offer, quantity in lines]
        body = {"external_id": external_id, "lines": wanted, **more}
        headers = self.shop.signed(self.identity)
        return await self.shop.http.post("/v1/channel/orders", json=body, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.shop.http.get(f"/v1/channel/{path}", headers=self.shop.signed(self.identity))

    async def order(self, external_id: str) -> Json:
        answer = await self.get(f"orders/{external_id}")
        assert answer.status_code == 200, answer.text
        seen: Json = answer.json()
        return seen

    async def cancels(self, external_id: str) -> httpx.Response:
        headers = {**self.shop.signed(self.identity), "Idempotency-Key": str(new_id())}
        return await self.shop.http.post(f"/v1/channel/orders/{external_id}/cancel", json={}, headers=headers)

    def jobs(self, *, at: datetime | None = None) -> Jobs:
        """The service's jobs, with the account behind them. By default their clock is past the first question."""
        keepers = Providers[MoneyKeeper]({NAME: self.shop.desk.accounts})
        moment = at or utc_now() + timedelta(seconds=25)
        return Jobs(self.shop.database, keepers, self.shop.desk.risk, timedelta(days=1), lambda: moment)


async def open_reseller(shop: Shop, **terms: Any) -> Reseller:
    reseller = Reseller(shop)
    agreed = await reseller.agrees(**terms)
    assert agreed.status_code == 200, agreed.text
    return reseller
