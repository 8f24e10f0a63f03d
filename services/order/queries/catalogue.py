"""Offers and split contracts in memory, kept near the tables by a doorbell and a short interval."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.order.domain.buyer_fields import BuyerField
from services.order.domain.checkouts import Contract
from services.order.domain.offers import ChoiceGroup, ChoiceOption, Gate, LadderStep, Limits, Offer, OfferComponent
from services.order.queries.waiting import first_of
from services.order.repository.read_models import CATALOGUE_CHANNEL
from shared.database import Database, TransientDatabaseError
from shared.observability import get_logger

REFRESH_INTERVAL_S = 1.0
"""A replica that missed the doorbell is this far behind at most."""

_OVERLAP = timedelta(seconds=30)
"""Rows are stamped before they are committed: look back further than any transaction lasts."""

# Where inventory told the operator's switch, the clock decides; before that, what it said last.
_PRODUCTS = """
SELECT product_id, version, coalesce(listed, on_shelf) AS on_shelf, on_shelf_from, on_shelf_until, category, skus
FROM products WHERE updated_at >= $1
"""
_CONTRACTS = "SELECT sku_id, contract_id, version, hash, effective_from FROM contracts WHERE updated_at >= $1"
_NOW = "SELECT clock_timestamp()"
_EVER = "SELECT 'epoch'::timestamptz"

log = get_logger(__name__)


class Catalogue:
    """What can be bought at which price, and to which contract its shares are locked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offers: dict[UUID, Offer] = {}
        self._contracts: dict[UUID, tuple[Contract, ...]] = {}
        self._versions: dict[UUID, int] = {}
        self._skus_of: dict[UUID, tuple[UUID, ...]] = {}
        self._seen: Any = None
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def offers(self) -> Mapping[UUID, Offer]:
        """Every offer by its SKU, those off the shelf included."""
        return self._offers

    @property
    def contracts(self) -> Mapping[UUID, Sequence[Contract]]:
        """Every published version of each SKU's contract."""
        return self._contracts

    async def run(self, stop: asyncio.Event) -> None:
        """Keep up until told to stop."""
        async with self._database.listen(CATALOGUE_CHANNEL) as bell:
            while not stop.is_set():
                bell.clear()
                try:
                    await self.refresh()
                except TransientDatabaseError as error:
                    log.warning("catalogue.behind", reason=str(error))
                await first_of(bell, stop, within_s=REFRESH_INTERVAL_S)

    async def refresh(self) -> None:
        """Take what has changed since the last time. Callers at the same time share one look, which begins after they call.

        :raises TransientDatabaseError: the database cannot be asked now.
        """
        running = self._refreshing
        if running is not None and not running.done():
            await asyncio.wait([running])
        if self._refreshing is running or self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._load())
        await asyncio.shield(self._refreshing)

    async def _load(self) -> None:
        async with self._database.read() as uow:
            now = await uow.raw.fetchval(_NOW)
            since = await uow.raw.fetchval(_EVER) if self._seen is None else self._seen - _OVERLAP
            products = await uow.raw.fetch(_PRODUCTS, since)
            contracts = await uow.raw.fetch(_CONTRACTS, since)
        for row in products:
            if row["version"] > self._versions.get(row["product_id"], 0):
                self._take_product(row)
        for row in contracts:
            contract = Contract(row["contract_id"], row["version"], row["hash"], row["effective_from"])
            known = self._contracts.get(row["sku_id"], ())
            if contract not in known:
                self._contracts[row["sku_id"]] = (*known, contract)
        self._seen = now

    def _take_product(self, row: Any) -> None:
        product_id = row["product_id"]
        offers = [_offer(row, sku) for sku in row["skus"]]
        for sku_id in self._skus_of.get(product_id, ()):
            self._offers.pop(sku_id, None)
        for offer in offers:
            self._offers[offer.sku_id] = offer
        self._skus_of[product_id] = tuple(offer.sku_id for offer in offers)
        self._versions[product_id] = row["version"]


# What was learnt before a term existed lacks it.
def _offer(product: Any, sku: Mapping[str, Any]) -> Offer:
    return Offer(
        product_id=product["product_id"],
        sku_id=UUID(sku["sku_id"]),
        name=sku["name"],
        price_minor=sku["price_minor"],
        currency=sku["currency"],
        max_per_order=sku["max_per_order"],
        on_sale=product["on_shelf"] and sku["on_sale"],
        components=tuple(_component(part) for part in sku["components"]),
        sold_from=product["on_shelf_from"],
        sold_until=product["on_shelf_until"],
        period=sku.get("period"),
        ladder=tuple(LadderStep(step["quantity_from"], step["unit_minor"]) for step in sku.get("ladder", ())),
        floor_minor=sku.get("floor_minor") or 0,
        limits=Limits(
            min_per_order=sku.get("min_per_order", 1),
            order_step=sku.get("order_step", 1),
            per_member=sku.get("max_per_member"),
            per_member_day=sku.get("max_per_member_day"),
        ),
        gate=Gate(
            tiers=frozenset(sku.get("tiers", ())),
            public_from=datetime.fromisoformat(sku["public_from"]) if sku.get("public_from") else None,
            early_tiers=frozenset(sku.get("early_tiers", ())),
        ),
        choices=tuple(
            ChoiceGroup(
                name=group["name"],
                pick=group["pick"],
                options=tuple(ChoiceOption(_component(option), option["extra_minor"]) for option in group["options"]),
            )
            for group in sku.get("choices", ())
        ),
        stock_capped=sku.get("stock_capped", False),
        category=product["category"],
    )


def _component(part: Mapping[str, Any]) -> OfferComponent:
    return OfferComponent(
        sku_id=UUID(part["sku_id"]),
        name=part["name"],
        kind=part["kind"],
        quantity=part["quantity"],
        weight=part["weight"],
        buyer_fields=tuple(
            BuyerField(field["name"], field["pattern"], field["required"], frozenset(field["choices"]), field["kind"])
            for field in part.get("buyer_fields", ())
        ),
    )
