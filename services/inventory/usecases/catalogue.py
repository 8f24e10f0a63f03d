"""Make and change products and SKUs; every change is announced with a version that grows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.catalogue import (
    ComponentSpec,
    NewProduct,
    NewSku,
    ProductUnknownError,
    SkuKind,
    SkuUnknownError,
    StockCapRefusedError,
    check_bundle,
    check_price,
    check_supplied,
)
from services.inventory.repository import catalogue, shelf, stock
from shared.database import UnitOfWork
from shared.messaging import announce


async def create_product(uow: UnitOfWork, product: NewProduct, *, now: datetime) -> None:
    await catalogue.add_product(uow, product, now=now)
    await _announce_products(uow, [product.product_id], now=now)


async def change_product(uow: UnitOfWork, product_id: UUID, *, changes: Mapping[str, object], now: datetime) -> None:
    """Set name, category, description or shelf.

    :raises ProductUnknownError: there is no such product.
    """
    if not await catalogue.change_product(uow, product_id, changes, now=now):
        raise ProductUnknownError(f"there is no product {product_id}")
    await _announce_products(uow, [product_id], now=now)


async def create_sku(
    uow: UnitOfWork, sku: NewSku, *, components: Sequence[ComponentSpec], stock_cap: int | None, now: datetime
) -> None:
    """Add a SKU to a product. A bundle names its components, which never change: another mix is another SKU.

    :raises ProductUnknownError: there is no such product.
    :raises BundleRefusedError: the components make no bundle, or a plain SKU was given some.
    :raises PriceBelowFloorError: the price is under the floor.
    :raises StockCapRefusedError: a cap was given to what no supplier delivers.
    :raises SuppliedRefusedError: only cards are bought when they are delivered.
    """
    check_supplied(sku)
    check_price(sku.price_minor, floor_minor=sku.price_floor_minor)
    if stock_cap is not None:
        _check_capped(sku.kind, supplied=sku.supplied)
    if not await catalogue.lock_product(uow, sku.product_id):
        raise ProductUnknownError(f"there is no product {sku.product_id}")
    if sku.kind is SkuKind.BUNDLE:
        known = await catalogue.find_parts(uow, [component.sku_id for component in components])
        check_bundle(components, known=known, currency=sku.currency)
    await catalogue.add_sku(uow, sku, components, now=now)
    if sku.supplied or sku.kind is SkuKind.DIRECT_TOP_UP:
        await stock.open_stock(uow, sku.sku_id, on_hand=stock_cap)
    elif sku.kind is SkuKind.CARD_KEY:
        await stock.open_stock(uow, sku.sku_id, on_hand=0)
    await _change_products(uow, [sku.product_id], now=now)


async def change_sku(uow: UnitOfWork, sku_id: UUID, *, changes: Mapping[str, object], now: datetime) -> None:
    """Set what may change of a SKU: price, floor, limit, sale, brand, guards.

    :raises SkuUnknownError: there is no such SKU.
    :raises PriceBelowFloorError: the price would be under the floor.
    """
    sku = await catalogue.get_sku_for_update(uow, sku_id)
    if sku is None:
        raise SkuUnknownError(f"there is no SKU {sku_id}")
    price_minor = changes.get("price_minor", sku.price_minor)
    floor_minor = changes.get("price_floor_minor", sku.price_floor_minor)
    if isinstance(price_minor, int) and isinstance(floor_minor, int):
        check_price(price_minor, floor_minor=floor_minor)
    await catalogue.change_sku(uow, sku_id, changes)
    if "pick_order" in changes:
        await shelf.begin_sorting(uow, sku_id)
    await _change_products(uow, await catalogue.find_products_with(uow, sku_id), now=now)


async def set_stock_cap(uow: UnitOfWork, sku_id: UUID, *, stock_cap: int | None) -> None:
    """How many may still be sold of what suppliers deliver; None: no limit.

    :raises SkuUnknownError: there is no such SKU.
    :raises StockCapRefusedError: no supplier delivers it, or more than that are held.
    """
    sku = await catalogue.find_sku(uow, sku_id)
    if sku is None:
        raise SkuUnknownError(f"there is no SKU {sku_id}")
    _check_capped(sku.kind, supplied=sku.supplied)
    if not await stock.set_cap(uow, sku_id, on_hand=stock_cap):
        raise StockCapRefusedError("more than that are held by orders at the moment")


def _check_capped(kind: SkuKind, *, supplied: bool) -> None:
    if kind is not SkuKind.DIRECT_TOP_UP and not supplied:
        raise StockCapRefusedError("only what suppliers deliver has a cap; the stock of cards is what was imported")


async def _change_products(uow: UnitOfWork, product_ids: Collection[UUID], *, now: datetime) -> None:
    await catalogue.raise_versions(uow, sorted(product_ids), now=now)
    await _announce_products(uow, sorted(product_ids), now=now)


async def _announce_products(uow: UnitOfWork, product_ids: Sequence[UUID], *, now: datetime) -> None:
    offers = await catalogue.find_offers(uow, product_ids)
    announce(uow, *(events.product_changed(product) for product in offers), now=now)
