"""Make and change products and SKUs; every change is announced with a version that grows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.bundles import BundleSpec, ChoiceGroup, build_bundle
from services.inventory.domain.catalogue import (
    BundleRefusedError,
    ComponentSpec,
    NewProduct,
    NewSku,
    ProductUnknownError,
    SkuKind,
    SkuUnknownError,
    StockCapRefusedError,
    check_supplied,
)
from services.inventory.domain.goods import Goods, GoodsRefusedError, goods_row
from services.inventory.domain.kinds import KINDS, Source, check_goods, is_counted, source_of
from services.inventory.domain.listing import CategoryUnknownError, check_listing, check_shelf_times
from services.inventory.domain.offers import check_terms, read_terms
from services.inventory.repository import bundles, catalogue, listing, seats, shelf, stock
from services.inventory.repository.catalogue import SkuFacts
from shared.database import UnitOfWork
from shared.messaging import announce

SEATS_MAX = 100_000
"""Numbered seats of one event: a row each."""


async def create_product(uow: UnitOfWork, product: NewProduct, *, now: datetime) -> None:
    """Write a product down and announce it.

    :raises ListingForbiddenError: it names a kind of goods that cannot be listed.
    :raises CategoryUnknownError: it names a category that is not on the list.
    :raises ShelfTimesRefusedError: it would leave the shelf before it comes there.
    """
    await _check_category(uow, product.category)
    await catalogue.add_product(uow, product, now=now, shelf_announced=product.times.include(now))
    await _check_listing(uow, product.product_id)
    await _announce_products(uow, [product.product_id], now=now)


async def change_product(uow: UnitOfWork, product_id: UUID, *, changes: Mapping[str, object], now: datetime) -> None:
    """Set what is said of a product, and when it is shown.

    :raises ProductUnknownError: there is no such product.
    :raises ListingForbiddenError: it would name a kind of goods that cannot be listed.
    :raises CategoryUnknownError: it would name a category that is not on the list.
    :raises ShelfTimesRefusedError: it would leave the shelf before it comes there.
    """
    times = await catalogue.lock_shelf_times(uow, product_id)
    if times is None:
        raise ProductUnknownError(f"there is no product {product_id}")
    check_shelf_times(times, changes)
    if "category" in changes:
        await _check_category(uow, str(changes["category"]))
    await catalogue.change_product(uow, product_id, changes, now=now)
    if changes != {"on_shelf": False}:
        await _check_listing(uow, product_id)
    await _announce_products(uow, [product_id], now=now)


async def create_sku(
    uow: UnitOfWork,
    sku: NewSku,
    *,
    components: Sequence[ComponentSpec],
    stock_cap: int | None,
    now: datetime,
    choices: Sequence[ChoiceGroup] = (),
) -> None:
    """Add a SKU to a product. A bundle names its components, which never change: another mix is another SKU.

    :raises ProductUnknownError: there is no such product.
    :raises BundleRefusedError: the components make no bundle, or a plain SKU was given some.
    :raises PriceBelowFloorError: the price, or a step of its ladder, is under the floor.
    :raises TermsRefusedError: its terms contradict each other.
    :raises StockCapRefusedError: a cap was given to cards of our own.
    :raises SuppliedRefusedError: only card keys are bought when they are delivered.
    :raises GoodsRefusedError: its goods are not what its kind needs.
    :raises ListingForbiddenError: its name is of a kind of goods that cannot be listed.
    """
    check_supplied(sku)
    sku = replace(sku, buyer_fields=sku.buyer_fields or KINDS[sku.kind].asks)
    check_terms(read_terms(asdict(sku)))
    source = source_of(sku.kind, supplied=sku.supplied, goods=sku.goods)
    sku = replace(sku, redeemable_here=sku.redeemable_here or KINDS[sku.kind].honoured_here)
    check_goods(sku.kind, sku.goods, source=source, redeemable_here=sku.redeemable_here)
    if stock_cap is not None:
        _check_capped(sku.kind, source)
    if not await catalogue.lock_product(uow, sku.product_id):
        raise ProductUnknownError(f"there is no product {sku.product_id}")
    bundle = BundleSpec(tuple(components), tuple(choices))
    if sku.kind is SkuKind.BUNDLE:
        known = await bundles.find_parts(uow, bundle.sku_ids)
        nested = any(known[part.sku_id].kind is SkuKind.BUNDLE for part in bundle.parts if part.sku_id in known)
        sku = replace(sku, composed=nested or bool(choices))
        bundle = build_bundle(bundle, known=known, currency=sku.currency)
    elif bundle.sku_ids:
        raise BundleRefusedError("only a bundle has components")
    await catalogue.add_sku(uow, sku, bundle.parts, now=now)
    await bundles.add_choices(uow, sku.sku_id, bundle.choices)
    await _check_listing(uow, sku.product_id)
    if source is Source.SHELF:
        await stock.open_stock(uow, sku.sku_id, on_hand=0)
    elif is_counted(sku.kind, source) or stock_cap is not None:
        await stock.open_stock(uow, sku.sku_id, on_hand=stock_cap)
    if sku.goods.event and sku.goods.event.numbered:
        await _lay_seats(uow, sku.sku_id, stock_cap)
    await change_products(uow, [sku.product_id], now=now)


async def change_sku(uow: UnitOfWork, sku_id: UUID, *, changes: Mapping[str, object], now: datetime) -> None:
    """Set what may change of a SKU: its name, its terms, sale, brand, guards, goods. Those hold for what is issued next.

    :raises SkuUnknownError: there is no such SKU.
    :raises GoodsRefusedError: its goods would not be what its kind needs, or come from elsewhere than before.
    :raises PriceBelowFloorError: the price, or a step of its ladder, would be under the floor.
    :raises TermsRefusedError: its terms would contradict each other.
    :raises ListingForbiddenError: its name would be of a kind of goods that cannot be listed.
    """
    sku = await catalogue.get_sku_for_update(uow, sku_id)
    if sku is None:
        raise SkuUnknownError(f"there is no SKU {sku_id}")
    check_terms(read_terms({**asdict(sku.terms), **changes}))
    await catalogue.change_sku(uow, sku_id, _with_goods(sku, changes))
    if "pick_order" in changes:
        await shelf.begin_sorting(uow, sku_id)
    if "name" in changes:
        await _check_listing(uow, sku.product_id)
    await change_products(uow, await catalogue.find_products_with(uow, sku_id), now=now)


async def set_stock_cap(uow: UnitOfWork, sku_id: UUID, *, stock_cap: int | None, now: datetime) -> None:
    """How many of a bundle, or of what suppliers deliver, may still be sold; None: no limit of its own.

    :raises SkuUnknownError: there is no such SKU.
    :raises StockCapRefusedError: its stock are cards of our own, or more than that are held.
    """
    sku = await catalogue.get_sku_for_update(uow, sku_id)
    if sku is None:
        raise SkuUnknownError(f"there is no SKU {sku_id}")
    _check_capped(sku.kind, sku.source)
    if sku.kind is SkuKind.BUNDLE and await stock.open_cap(uow, sku_id, on_hand=stock_cap):
        await change_products(uow, [sku.product_id], now=now)  # from now on orders hold it with the parts
        return
    if not await stock.set_cap(uow, sku_id, on_hand=stock_cap):
        raise StockCapRefusedError("more than that are held by orders at the moment")
    if sku.goods.event and sku.goods.event.numbered:
        await _lay_seats(uow, sku_id, stock_cap)


async def _lay_seats(uow: UnitOfWork, sku_id: UUID, free: int | None) -> None:
    """As many numbered seats as may be sold.

    :raises StockCapRefusedError: there is no number of them, or some are just being taken.
    """
    if free is None or free > SEATS_MAX:
        raise StockCapRefusedError(f"numbered seats have a cap, of {SEATS_MAX} or fewer")
    if not await seats.set_free_seats(uow, sku_id, free=free):
        raise StockCapRefusedError("some of the seats are being taken at this moment")


def _check_capped(kind: SkuKind, source: Source) -> None:
    if kind is not SkuKind.BUNDLE and not is_counted(kind, source):
        raise StockCapRefusedError(
            "a bundle, what suppliers deliver and what we make may have a cap; the stock of cards is what was imported"
        )


def _with_goods(sku: SkuFacts, changes: Mapping[str, object]) -> Mapping[str, object]:
    """The changes as columns, if the goods that they make are those of the SKU's kind."""
    goods = changes.get("goods", sku.goods)
    if not isinstance(goods, Goods):
        raise TypeError("goods are changed as a whole")
    here = changes.get("redeemable_here", sku.redeemable_here)
    check_goods(sku.kind, goods, source=sku.source, redeemable_here=bool(here))
    if source_of(sku.kind, supplied=sku.supplied, goods=goods) is not sku.source:
        raise GoodsRefusedError("whether codes are imported or made never changes: that is another SKU")
    if goods.value != sku.goods.value:
        raise GoodsRefusedError("what a cash voucher is worth never changes: that is another SKU")
    if (goods.event and goods.event.numbered) != (sku.goods.event and sku.goods.event.numbered):
        raise GoodsRefusedError("whether seats have numbers never changes: that is another SKU")
    if "goods" not in changes:
        return changes
    columns = {**changes, "goods": goods_row(goods), "ends_at": goods.ends_at}
    return {**columns, "expired_at": None} if sku.source is Source.MINT else columns


async def _check_category(uow: UnitOfWork, code: str) -> None:
    if not await listing.category_may_be_named(uow, code):
        raise CategoryUnknownError(f"there is no category {code!r}")


async def _check_listing(uow: UnitOfWork, product_id: UUID) -> None:
    """Judge all that is now said of the product, its SKUs included."""
    check_listing(await listing.texts_of(uow, product_id), added=await listing.find_words(uow))


async def change_products(uow: UnitOfWork, product_ids: Collection[UUID], *, now: datetime) -> None:
    """Something inside these products changed: say how they now stand."""
    await catalogue.raise_versions(uow, sorted(product_ids), now=now)
    await _announce_products(uow, sorted(product_ids), now=now)


async def _announce_products(uow: UnitOfWork, product_ids: Sequence[UUID], *, now: datetime) -> None:
    offers = await catalogue.find_offers(uow, product_ids)
    announce(uow, *(events.product_changed(product, now=now) for product in offers), now=now)
