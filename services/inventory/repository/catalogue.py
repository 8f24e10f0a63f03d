"""Products and SKUs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from services.inventory.domain.catalogue import (
    ComponentSpec,
    NewProduct,
    NewSku,
    SkuKind,
)
from services.inventory.domain.goods import Goods, goods_row, read_goods
from services.inventory.domain.kinds import Source, source_of, takes_cards
from services.inventory.domain.listing import ShelfTimes
from services.inventory.domain.offers import (
    OfferedComponent,
    OfferedGroup,
    OfferedProduct,
    OfferedSku,
    SkuTerms,
    read_terms,
)
from services.inventory.domain.picking import PickOrder
from services.inventory.domain.terms import read_buyer_field
from services.inventory.repository import bundles, shelf_life
from services.inventory.tables import PRODUCTS, SKU_COMPONENTS, SKUS, STOCK
from shared.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """What use cases decide by."""

    sku_id: UUID
    product_id: UUID
    kind: SkuKind
    currency: str
    supplied: bool
    redeemable_here: bool
    pick_order: PickOrder
    goods: Goods
    terms: SkuTerms

    @property
    def source(self) -> Source:
        """Where its units come from."""
        return source_of(self.kind, supplied=self.supplied, goods=self.goods)

    @property
    def takes_cards(self) -> bool:
        """Whether cards are imported for it."""
        return takes_cards(self.kind, self.source)


async def add_product(uow: UnitOfWork, product: NewProduct, *, now: datetime, shelf_announced: bool) -> None:
    """`shelf_announced`: it is inside its times now."""
    row = {**asdict(product), "shelf_announced": shelf_announced, "version": 1, "created_at": now, "changed_at": now}
    await uow.sql.execute(insert(PRODUCTS).values(row))


async def change_product(uow: UnitOfWork, product_id: UUID, changes: Mapping[str, object], *, now: datetime) -> None:
    """Set these columns and raise the version."""
    await uow.sql.execute(
        update(PRODUCTS)
        .where(PRODUCTS.c.product_id == product_id)
        .values(**changes, version=PRODUCTS.c.version + 1, changed_at=now)
    )


async def raise_versions(uow: UnitOfWork, product_ids: Sequence[UUID], *, now: datetime) -> None:
    """Something inside these products changed."""
    locked = (
        select(PRODUCTS.c.product_id)
        .where(PRODUCTS.c.product_id.in_(product_ids))
        .order_by(PRODUCTS.c.product_id)
        .with_for_update()
        .cte("locked")
    )
    await uow.sql.execute(
        update(PRODUCTS)
        .where(PRODUCTS.c.product_id == locked.c.product_id)
        .values(version=PRODUCTS.c.version + 1, changed_at=now)
    )


async def lock_shelf_times(uow: UnitOfWork, product_id: UUID) -> ShelfTimes | None:
    """The product's times, locked with it; None: there is no such product."""
    statement = (
        select(PRODUCTS.c.on_shelf_from, PRODUCTS.c.on_shelf_until)
        .where(PRODUCTS.c.product_id == product_id)
        .with_for_update()
    )
    row = (await uow.sql.execute(statement)).first()
    return None if row is None else ShelfTimes(row.on_shelf_from, row.on_shelf_until)


async def lock_product(uow: UnitOfWork, product_id: UUID) -> bool:
    """Nobody else changes the product until this transaction ends; False: there is no such product."""
    statement = select(PRODUCTS.c.product_id).where(PRODUCTS.c.product_id == product_id).with_for_update()
    return (await uow.sql.execute(statement)).first() is not None


async def add_sku(uow: UnitOfWork, sku: NewSku, components: Sequence[ComponentSpec], *, now: datetime) -> None:
    """Write a SKU down, a bundle with its components in their order."""
    row = {**asdict(sku), "goods": goods_row(sku.goods), "ends_at": sku.goods.ends_at}
    await uow.sql.execute(insert(SKUS).values(**row, created_at=now))
    if components:
        rows = [
            {"bundle_sku_id": sku.sku_id, **asdict(component), "position": position}
            for position, component in enumerate(components)
        ]
        await uow.sql.execute(insert(SKU_COMPONENTS), rows)


async def change_sku(uow: UnitOfWork, sku_id: UUID, changes: Mapping[str, object]) -> None:
    await uow.sql.execute(update(SKUS).where(SKUS.c.sku_id == sku_id).values(**changes))


async def get_sku_for_update(uow: UnitOfWork, sku_id: UUID) -> SkuFacts | None:
    """The SKU, locked."""
    row = (await uow.sql.execute(select(SKUS).where(SKUS.c.sku_id == sku_id).with_for_update())).first()
    return None if row is None else _facts(row)


async def find_sku(uow: UnitOfWork, sku_id: UUID) -> SkuFacts | None:
    row = (await uow.sql.execute(select(SKUS).where(SKUS.c.sku_id == sku_id))).first()
    return None if row is None else _facts(row)


async def find_pick_order(uow: UnitOfWork, sku_id: UUID) -> PickOrder | None:
    """In which order the SKU's cards are sold, if it is one of cards. It stays so until this transaction ends."""
    row = (await uow.sql.execute(select(SKUS).where(SKUS.c.sku_id == sku_id).with_for_update(read=True))).first()
    sku = None if row is None else _facts(row)
    return sku.pick_order if sku and sku.takes_cards else None


async def find_goods(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, Goods]:
    """What the kinds of these SKUs have to know of them."""
    statement = select(SKUS.c.sku_id, SKUS.c.goods).where(SKUS.c.sku_id.in_(sku_ids))
    return {row.sku_id: read_goods(row.goods) for row in await uow.sql.execute(statement)}


async def find_products_with(uow: UnitOfWork, sku_id: UUID) -> set[UUID]:
    """Products that show this SKU: its own, and those of bundles that contain it."""
    return set(await shelf_life.find_products_showing(uow, [sku_id]))


async def find_offers(uow: UnitOfWork, product_ids: Sequence[UUID]) -> list[OfferedProduct]:
    """The products as they now stand."""
    products = (await uow.sql.execute(select(PRODUCTS).where(PRODUCTS.c.product_id.in_(product_ids)))).all()
    skus = await uow.sql.execute(
        select(SKUS, shelf_life.expired_sku().label("expired"), STOCK.c.sku_id.label("counted"))
        .join(STOCK, STOCK.c.sku_id == SKUS.c.sku_id, isouter=True)
        .where(SKUS.c.product_id.in_(product_ids))
        .order_by(SKUS.c.product_id, SKUS.c.sku_id)
    )
    by_product: dict[UUID, list[OfferedSku]] = {product_id: [] for product_id in product_ids}
    rows = skus.all()
    bundle_ids = [row.sku_id for row in rows if row.kind == SkuKind.BUNDLE]
    parts = await _find_components(uow, bundle_ids)
    choices = await bundles.find_choices(uow, bundle_ids) if bundle_ids else {}
    for row in rows:
        components = parts.get(row.sku_id, ()) if row.kind == SkuKind.BUNDLE else (_component(row, 1, 1),)
        by_product[row.product_id].append(_offered_sku(row, components, choices.get(row.sku_id, ())))
    return [
        OfferedProduct(
            product_id=row.product_id,
            version=row.version,
            name=row.name,
            category=row.category,
            listed=row.on_shelf,
            times=ShelfTimes(row.on_shelf_from, row.on_shelf_until),
            skus=tuple(by_product[row.product_id]),
        )
        for row in products
    ]


async def _find_components(uow: UnitOfWork, bundle_ids: Sequence[UUID]) -> dict[UUID, tuple[OfferedComponent, ...]]:
    if not bundle_ids:
        return {}
    statement = (
        select(
            SKU_COMPONENTS.c.bundle_sku_id,
            SKU_COMPONENTS.c.quantity,
            SKU_COMPONENTS.c.weight,
            SKUS.c.sku_id,
            SKUS.c.name,
            SKUS.c.kind,
            SKUS.c.partner_id,
            SKUS.c.buyer_fields,
        )
        .join(SKUS, SKUS.c.sku_id == SKU_COMPONENTS.c.sku_id)
        .where(SKU_COMPONENTS.c.bundle_sku_id.in_(bundle_ids))
        .order_by(SKU_COMPONENTS.c.bundle_sku_id, SKU_COMPONENTS.c.position)
    )
    found: dict[UUID, tuple[OfferedComponent, ...]] = {}
    for row in await uow.sql.execute(statement):
        found[row.bundle_sku_id] = (*found.get(row.bundle_sku_id, ()), _component(row, row.quantity, row.weight))
    return found


def _component(row: Any, quantity: int, weight: int) -> OfferedComponent:
    return OfferedComponent(
        sku_id=row.sku_id,
        name=row.name,
        kind=SkuKind(row.kind),
        quantity=quantity,
        weight=weight,
        partner_id=row.partner_id,
        buyer_fields=tuple(read_buyer_field(field) for field in row.buyer_fields),
    )


def _offered_sku(row: Any, components: tuple[OfferedComponent, ...], choices: tuple[OfferedGroup, ...]) -> OfferedSku:
    return OfferedSku(
        sku_id=row.sku_id,
        name=row.name,
        currency=row.currency,
        on_sale=row.on_sale and not row.expired,
        terms=read_terms(dict(row._mapping)),  # noqa: SLF001  # public, whatever its name
        components=components,
        choices=choices,
        capped=row.kind == SkuKind.BUNDLE and row.counted is not None,
    )


def _facts(row: Any) -> SkuFacts:
    terms = read_terms(dict(row._mapping))  # noqa: SLF001  # public, whatever its name
    return SkuFacts(
        sku_id=row.sku_id,
        product_id=row.product_id,
        kind=SkuKind(row.kind),
        currency=row.currency,
        supplied=row.supplied,
        redeemable_here=row.redeemable_here,
        pick_order=PickOrder(row.pick_order),
        goods=read_goods(row.goods),
        terms=terms,
    )
