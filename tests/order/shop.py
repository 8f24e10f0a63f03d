"""A running order service for tests: its database, its neighbours, and people who shop."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
import orjson
from fastapi import FastAPI

from services.order.api.desk import Desk
from services.order.clients.sandbox import signature
from services.order.consumers import HANDLERS
from shared.clock import new_id, utc_now
from shared.contracts import BY_SCHEMA, Envelope, Event, ProductChangedV1, decode, wrap
from shared.contracts.inventory import SkuComponent, SkuOffer
from shared.contracts.order import ComponentKind
from shared.database import Database, UnitOfWork
from shared.http import IDENTITY_HEADER, Identity, IdentitySigner, Role
from tests.order.neighbours import Inventory, Risk, Settlement

Json = dict[str, Any]


@dataclass
class Shop:
    """`http` reaches the service as the gateway does; `identity_key` and `provider_key` sign what it believes."""

    app: FastAPI
    http: httpx.AsyncClient
    inventory: Inventory
    risk: Risk
    settlement: Settlement
    identity_key: bytes
    provider_key: bytes
    keys: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def desk(self) -> Desk:
        desk = self.app.state.desk
        assert isinstance(desk, Desk)
        return desk

    @property
    def database(self) -> Database:
        return self.desk.database

    def signed(self, identity: Identity) -> dict[str, str]:
        return {IDENTITY_HEADER: IdentitySigner(self.identity_key, "gateway").sign(identity)}

    def headers(self, member: UUID | None, *, key: str | None = None, order_id: UUID | None = None) -> dict[str, str]:
        """As the gateway signs for a buyer, for a guest with an order's token, or for nobody in particular."""
        if member is not None:
            identity = Identity(Role.BUYER, str(member), "10.0.0.1", "device")
        elif order_id is not None:
            identity = Identity(Role.GUEST, str(order_id), "10.0.0.1", "device", order_id=order_id)
        else:
            identity = Identity(Role.ANONYMOUS, "", "10.0.0.1", "device")
        return {**self.signed(identity), "Idempotency-Key": key or f"key-{next(self.keys)}"}

    def operator_headers(self, *, scope: str = "orders") -> dict[str, str]:
        """As the gateway signs for an operator with one role."""
        identity = Identity(Role.OPERATOR, str(new_id()), "10.0.0.2", scopes=frozenset({scope}))
        return {**self.signed(identity), "Idempotency-Key": f"key-{next(self.keys)}"}

    async def hear(self, *events: Event) -> None:
        """Have the service hear events of others, as its consumer would call it: sets of one type."""
        for _, group in itertools.groupby(events, key=type):
            async with self.database.begin() as uow:
                await self.handle(uow, list(group))

    async def handle(self, uow: UnitOfWork, events: Sequence[Event]) -> None:
        """Hand events of one type to their handler."""
        now = utc_now()
        envelopes: Sequence[Envelope[Any]] = [
            wrap(event, event_id=new_id(), source="/test", time=now) for event in events
        ]
        await HANDLERS[type(events[0])](uow, envelopes)

    async def announced(self, kind: type[Event] | None = None, *, key: UUID | None = None) -> list[Any]:
        """What the service has announced so far, in order."""
        async with self.database.read() as uow:
            rows = await uow.raw.fetch("SELECT dataschema, payload FROM outbox ORDER BY id")
        events = [decode(row["payload"], BY_SCHEMA[row["dataschema"]]).data for row in rows]
        return [
            event for event in events if (kind is None or isinstance(event, kind)) and (key is None or event.key == key)
        ]

    async def sells(self, *offers: SkuOffer, on_shelf: bool = True) -> None:
        """Put SKUs on the shelf."""
        await self.hear(product(*offers, on_shelf=on_shelf))
        await self.desk.catalogue.refresh()

    async def orders(
        self, *lines: tuple[SkuOffer, int], member: UUID | None = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """Check out."""
        body = {"lines": [{"sku_id": str(offer.sku_id), "quantity": quantity} for offer, quantity in lines], **more}
        if member is None:
            body.setdefault("contact", {"email": "guest@example.org"})
        return await self.http.post("/v1/orders", json=body, headers=self.headers(member, key=key))

    async def begins_payment(self, order_id: str, *, member: UUID | None, key: str | None = None) -> httpx.Response:
        headers = self.headers(member, key=key, order_id=UUID(order_id))
        return await self.http.post(f"/v1/orders/{order_id}/payments", json={"provider": "sandbox"}, headers=headers)

    async def order(self, order_id: str, *, member: UUID | None) -> Json:
        """The order as its owner sees it."""
        answer = await self.http.get(f"/v1/orders/{order_id}", headers=self.headers(member, order_id=UUID(order_id)))
        assert answer.status_code == 200, answer.text
        seen: Json = answer.json()
        return seen

    def receipt(self, pay_url: str, **other: Any) -> Json:
        """What the provider would report for a link, or something else in places; not yet signed."""
        link = dict(parse_qsl(urlsplit(pay_url).query))
        return {
            "merchant_id": link["merchant_id"],
            "out_trade_no": link["out_trade_no"],
            "trade_no": f"T{link['out_trade_no']}",
            "amount_minor": int(link["amount_minor"]),
            "currency": link["currency"],
            "fee_minor": 1,
            "status": "paid",
            "paid_at": "2026-11-21T00:00:00Z",
            "notify_id": uuid4().hex,
            **other,
        }

    async def notify(self, message: Json, *, sign: str | None = None) -> httpx.Response:
        """Report to the service as the provider does."""
        headers = self.signed(Identity(Role.ANONYMOUS, "", "10.9.9.9"))
        body = self.signed_notify(message, sign=sign)
        return await self.http.post("/v1/payments/sandbox/notify", content=body, headers=headers)

    def signed_notify(self, message: Json, *, sign: str | None = None) -> bytes:
        """A notify's body."""
        return orjson.dumps({**message, "sign": sign or signature(self.provider_key, message)})

    async def paid_order(self, *lines: tuple[SkuOffer, int], member: UUID | None = None) -> Json:
        """An order that is paid, as its owner sees it."""
        placed = await self.orders(*lines, member=member)
        assert placed.status_code == 201, placed.text
        order_id = placed.json()["order_id"]
        begun = await self.begins_payment(order_id, member=member)
        assert begun.status_code == 201, begun.text
        told = await self.notify(self.receipt(begun.json()["pay_url"]))
        assert told.status_code == 200, told.text
        return await self.order(order_id, member=member)


def offer(*, price_minor: int = 1000, max_per_order: int = 100, on_sale: bool = True, **more: Any) -> SkuOffer:
    """A plain SKU: its only component is itself."""
    sku_id = new_id()
    plain = SkuComponent(sku_id=sku_id, name="月卡", kind=ComponentKind.CARD_KEY, quantity=1, weight=1)
    return SkuOffer(
        sku_id=sku_id,
        name="月卡",
        price_minor=price_minor,
        max_per_order=max_per_order,
        on_sale=on_sale,
        **{"currency": "CNY", "components": (plain,), **more},
    )


def bundle(*weights: int, price_minor: int = 1000) -> SkuOffer:
    """A SKU of several components."""
    parts = tuple(
        SkuComponent(sku_id=new_id(), name=f"会员 {place}", kind=ComponentKind.CARD_KEY, quantity=1, weight=weight)
        for place, weight in enumerate(weights)
    )
    return offer(price_minor=price_minor, components=parts)


def product(
    *offers: SkuOffer, product_id: UUID | None = None, version: int = 1, on_shelf: bool = True, **more: Any
) -> ProductChangedV1:
    return ProductChangedV1(
        product_id=product_id or new_id(),
        version=version,
        name="联合会员",
        category="video",
        on_shelf=on_shelf,
        skus=offers,
        **more,
    )
