"""What the inventory's tests have in common: a database with goods in it, and the questions asked of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.inventory.domain.catalogue import ComponentSpec, NewProduct, NewSku, SkuKind
from services.inventory.domain.delivery import RefundOrder
from services.inventory.domain.goods import NO_GOODS, Goods
from services.inventory.domain.importing import read_lines, rows_of_list
from services.inventory.domain.issuing import Reservation
from services.inventory.domain.stock import HoldDecision, HoldRequest, WantedComponent
from services.inventory.repository.sources import source
from services.inventory.usecases import batches, catalogue, holds, issuing, revoking
from services.inventory.usecases.importing import CardSealer, ImportResult, import_cards
from shared.clock import new_id, utc_now
from shared.crypto import Keyring
from shared.database import Database, TransientDatabaseError

PRICE_MINOR = 1_000

COUNTERS = f"""
SELECT stock.sku_id, stock.on_hand, stock.held, stock.sold,
       CASE {source("skus")} WHEN 'shelf' THEN (SELECT count(*) FROM shelf WHERE shelf.sku_id = stock.sku_id)
                             ELSE stock.on_hand END AS shelved,
       (SELECT coalesce(sum(quantity), 0) FROM holds WHERE holds.sku_id = stock.sku_id) AS promised,
       (SELECT count(*) FROM entitlements unit WHERE unit.sku_id = stock.sku_id AND NOT unit.restocked)
           + (SELECT coalesce(sum(quantity), 0) FROM shipments WHERE shipments.sku_id = stock.sku_id AND state = 'awaiting')
           AS given
FROM stock JOIN skus USING (sku_id) WHERE kind NOT IN ('direct_top_up', 'bundle')
"""  # composed of the table of kinds

TWICE = """
SELECT card_id FROM entitlements WHERE NOT restocked AND card_id IS NOT NULL GROUP BY card_id, use_no HAVING count(*) > 1
"""


@dataclass(frozen=True)
class Order:
    """One order of one or more components, held and reserved together."""

    order_id: UUID
    member_id: UUID | None
    parts: tuple[tuple[UUID, UUID, int], ...]
    """`(component_id, sku_id, quantity)`"""

    @property
    def component_id(self) -> UUID:
        return self.parts[0][0]

    def hold_request(
        self, expires_at: datetime, *, account: str | None = None, fields: Mapping[str, str] | None = None
    ) -> HoldRequest:
        fields = fields or ({"account": account} if account else {})
        return HoldRequest(
            self.order_id,
            self.member_id,
            expires_at,
            tuple(WantedComponent(part, new_id(), sku_id, quantity, fields) for part, sku_id, quantity in self.parts),
        )

    def capped(self, bundle_id: UUID, *, line_id: UUID) -> "HoldRequest":
        """The order as one of a bundle with a stock of its own."""
        cap = WantedComponent(line_id, line_id, bundle_id, 1)
        return replace(self.hold_request(utc_now() + timedelta(minutes=20)), caps=(cap,))

    def reservations(self, kind: SkuKind, *, amount_minor: int = PRICE_MINOR) -> list[Reservation]:
        return [
            Reservation(part, self.order_id, new_id(), self.member_id, sku_id, kind, quantity, amount_minor, "CNY")
            for part, sku_id, quantity in self.parts
        ]

    def refunds(self, refund_id: UUID) -> list[RefundOrder]:
        return [
            RefundOrder(part, self.order_id, sku_id, self.member_id, PRICE_MINOR, "CNY", refund_id)
            for part, sku_id, _ in self.parts
        ]


def order_of(*parts: tuple[UUID, int], guest: bool = False) -> Order:
    return Order(
        new_id(), None if guest else new_id(), tuple((new_id(), sku_id, quantity) for sku_id, quantity in parts)
    )


def codes(count: int, *, prefix: str = "CODE") -> list[str]:
    return [f"{prefix}-{number:08d}-{new_id().hex[-6:]}" for number in range(count)]


@dataclass(frozen=True)
class World:
    """A database of the inventory's, and short ways to bring things about in it."""

    database: Database
    keyring: Keyring
    sealer: CardSealer

    async def sku(
        self,
        *,
        kind: SkuKind = SkuKind.CARD_KEY,
        cards: int = 0,
        partner_id: UUID | None = None,
        redeemable_here: bool = False,
        stock_cap: int | None = None,
        components: Sequence[ComponentSpec] = (),
        price_guard: bool = True,
        supplied: bool = False,
        goods: Goods = NO_GOODS,
        undo_within_minutes: int | None = None,
        giftable: bool | None = None,
    ) -> UUID:
        """A SKU in a product of its own, with cards on the shelf."""
        now = utc_now()
        product = NewProduct(new_id(), "会员月卡", "video", "", on_shelf=True)
        sku = NewSku(
            sku_id=new_id(),
            product_id=product.product_id,
            name="一个月",
            kind=kind,
            price_minor=PRICE_MINOR,
            price_floor_minor=None,
            currency="CNY",
            max_per_order=10,
            on_sale=True,
            redeemable_here=redeemable_here,
            price_guard=price_guard,
            partner_id=partner_id,
            low_stock_below=0,
            supplied=supplied,
            goods=goods,
            undo_within_minutes=undo_within_minutes,
            giftable=giftable,
        )
        async with self.database.begin() as uow:
            await catalogue.create_product(uow, product, now=now)
            await catalogue.create_sku(uow, sku, components=components, stock_cap=stock_cap, now=now)
        if cards:
            await self.import_codes(sku.sku_id, codes(cards))
        return sku.sku_id

    async def import_codes(
        self, sku_id: UUID, rows: Sequence[object], *, accept_valid: bool = False, cost_minor: int = 700
    ) -> ImportResult:
        now = utc_now()
        good, broken = read_lines(rows_of_list(rows), now=now)
        sealed = self.sealer.seal_all(good, sku_id=sku_id, broken=broken)
        async with self.database.begin() as uow:
            return await import_cards(
                uow, sealed, cost_minor=cost_minor, accept_valid=accept_valid, imported_by="operator", now=now
            )

    async def hold(
        self,
        *orders: Order,
        minutes: int = 20,
        account: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[HoldDecision]:
        now = utc_now()
        expires_at = now + timedelta(minutes=minutes)
        async with self.database.begin() as uow:
            requests = [order.hold_request(expires_at, account=account, fields=fields) for order in orders]
            return await holds.hold(uow, requests, keyring=self.keyring, now=now)

    async def reserve(self, *orders: Order, kind: SkuKind = SkuKind.CARD_KEY, amount_minor: int = PRICE_MINOR) -> None:
        async with self.database.begin() as uow:
            wanted = [entry for order in orders for entry in order.reservations(kind, amount_minor=amount_minor)]
            await issuing.reserve(uow, wanted, sealer=self.sealer, now=utc_now())

    async def revoke(self, order: Order, *, refund_id: UUID | None = None) -> UUID:
        refund_id = refund_id or new_id()
        async with self.database.begin() as uow:
            await revoking.revoke(uow, order.refunds(refund_id), now=utc_now())
        return refund_id

    async def issued(
        self, *, cards: int = 1, quantity: int = 1, kind: SkuKind = SkuKind.CARD_KEY, **sku: object
    ) -> tuple[Order, list[UUID]]:
        """An order that was held and issued, with its entitlements."""
        sku_id = await self.sku(cards=cards, kind=kind, **sku)  # type: ignore[arg-type]  # passed on as given
        order = order_of((sku_id, quantity))
        await self.hold(order)
        await self.reserve(order, kind=kind)
        return order, await self.units(order)

    async def issued_of(self, sku_id: UUID) -> tuple[Order, list[UUID]]:
        """One of a SKU whose cards are there."""
        order = order_of((sku_id, 1))
        await self.reserve(order)
        return order, await self.units(order)

    async def freeze(self, batch_id: UUID) -> None:
        async with self.database.begin() as uow:
            await batches.freeze(uow, batch_id, operator="operator", reason="looked into", now=utc_now())

    async def unfreeze(self, batch_id: UUID) -> None:
        async with self.database.begin() as uow:
            await batches.unfreeze(uow, batch_id, operator="operator", reason="all is well", now=utc_now())

    async def void(self, batch_id: UUID) -> None:
        async with self.database.begin() as uow:
            await batches.void(uow, batch_id, operator="operator", reason="leaked", now=utc_now())

    async def units(self, order: Order) -> list[UUID]:
        rows = await self.fetch(
            "SELECT entitlement_id FROM entitlements WHERE order_id = $1 ORDER BY entitlement_id", order.order_id
        )
        return [row["entitlement_id"] for row in rows]

    async def state(self, component_id: UUID) -> str | None:
        value: str | None = await self.value("SELECT state FROM deliveries WHERE component_id = $1", component_id)
        return value

    async def events(self, topic: str, order_id: UUID | None = None) -> list[dict[str, Any]]:
        """What was announced on a topic (of an order), in order, as `{"type": ..., **data}`."""
        rows = await self.fetch(
            "SELECT payload FROM outbox WHERE topic = $1 AND ($2::text IS NULL OR key = $2) ORDER BY id",
            topic,
            None if order_id is None else str(order_id),
        )
        envelopes = [orjson.loads(row["payload"]) for row in rows]
        return [{"type": envelope["type"], **envelope["data"]} for envelope in envelopes]

    async def kinds(self, order: Order) -> list[str]:
        """The types of the card events of an order, in order."""
        return [str(event["type"]) for event in await self.events("card", order.order_id)]

    async def stock(self, sku_id: UUID) -> tuple[int | None, int, int]:
        """`(on_hand, held, sold)`"""
        (row,) = await self.fetch("SELECT on_hand, held, sold FROM stock WHERE sku_id = $1", sku_id)
        return row["on_hand"], row["held"], row["sold"]

    async def fetch(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        async with self.database.read() as read:
            return [dict(row) for row in await read.raw.fetch(statement, *arguments)]

    async def value(self, statement: str, *arguments: object) -> Any:
        async with self.database.read() as read:
            return await read.raw.fetchval(statement, *arguments)

    async def assert_counters_equal_rows(self) -> None:
        """The counters say what the rows say, and no card is with two."""
        for row in await self.fetch(COUNTERS):
            assert (row["on_hand"], row["held"], row["sold"]) == (row["shelved"], row["promised"], row["given"]), row
        assert await self.fetch(TWICE) == []


async def kill_after_progress(
    job: Callable[[], Awaitable[Any]], progress: Callable[[], Awaitable[Any]], *, seed: int
) -> None:
    """Let the job commit something, and kill it somewhere in what it does next."""
    before = await progress()
    running = asyncio.ensure_future(job())
    while not running.done() and await progress() == before:  # noqa: ASYNC110  # the database rings no bell
        await asyncio.sleep(0)
    await asyncio.sleep(0.001 * (seed * 7 % 11))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def at_once(world: World, works: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Start them together on warm connections; a batch that met contention is tried again, as the runtime does."""
    barrier = asyncio.Barrier(len(works))
    await asyncio.gather(*(world.database.ping() for _ in range(20)))

    async def start(work: Callable[[], Awaitable[Any]]) -> Any:
        await barrier.wait()
        for _ in range(10):
            try:
                return await work()
            except TransientDatabaseError:
                await asyncio.sleep(0.05)
        raise AssertionError("contention never ended")

    return await asyncio.gather(*(start(work) for work in works))
