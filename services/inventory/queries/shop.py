"""Products, as buyers and as operators see them."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from services.inventory.domain.catalogue import UNLIMITED_STOCK, SkuKind
from services.inventory.domain.offers import PLAIN_ACCOUNT
from services.inventory.queries.pages import after, page
from services.inventory.repository.bundles import bundle_free
from services.inventory.schemas import ProductOpsOut, ProductOut, ProductPage, SkuOpsOut, SkuOut
from shared.database import UnitOfWork
from shared.http import Page

_SKU = """
json_build_object(
    'sku_id', sku.sku_id, 'product_id', sku.product_id, 'name', sku.name, 'kind', sku.kind,
    'price_minor', sku.price_minor, 'price_floor_minor', sku.price_floor_minor, 'currency', sku.currency,
    'max_per_order', sku.max_per_order, 'on_sale', sku.on_sale, 'redeemable_here', sku.redeemable_here,
    'price_guard', sku.price_guard, 'supplied', sku.supplied, 'partner_id', sku.partner_id,
    'low_stock_below', sku.low_stock_below, 'pick_order', sku.pick_order, 'usage_instructions', sku.usage_instructions,
    'undo_within_minutes', sku.undo_within_minutes, 'giftable', sku.giftable,
    'on_hand', stock.on_hand, 'held', coalesce(stock.held, 0), 'sold', coalesce(stock.sold, 0),
    'free', CASE sku.kind WHEN 'bundle' THEN bundle.free ELSE stock.on_hand - stock.held END,
    'components', bundle.components, 'choices', coalesce(bundle.choices, '[]'), 'period', sku.period, 'ladder', sku.ladder, 'min_per_order', sku.min_per_order,
    'order_step', sku.order_step, 'max_per_member', sku.max_per_member, 'max_per_member_day', sku.max_per_member_day,
    'tiers', sku.tiers, 'public_from', sku.public_from, 'early_tiers', sku.early_tiers, 'buyer_fields', sku.buyer_fields,
    'goods', sku.goods, 'substitutes', (
        SELECT coalesce(json_agg(named.substitute_sku_id ORDER BY named.position), '[]')
        FROM sku_substitutes named WHERE named.sku_id = sku.sku_id)
)
"""

_SKU_SOURCE = f"""
skus sku LEFT JOIN stock ON stock.sku_id = sku.sku_id
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object(
               'sku_id', part.sku_id, 'name', plain.name, 'kind', plain.kind, 'quantity', part.quantity,
               'weight', part.weight, 'partner_id', plain.partner_id,
               'buyer_fields', plain.buyer_fields) ORDER BY part.position) AS components,
           {bundle_free("sku.sku_id")} AS free,
           (SELECT json_agg(chosen) FROM (
                SELECT option.group_name AS name, option.pick, json_agg(json_build_object(
                           'sku_id', plain.sku_id, 'name', plain.name, 'kind', plain.kind, 'quantity', option.quantity,
                           'weight', option.weight, 'partner_id', plain.partner_id, 'extra_minor', option.extra_minor,
                           'buyer_fields', plain.buyer_fields,
                           'free', (counter.on_hand - counter.held) / option.quantity) ORDER BY option.position) AS options
                FROM sku_choices option JOIN skus plain ON plain.sku_id = option.sku_id
                JOIN stock counter ON counter.sku_id = option.sku_id
                WHERE option.bundle_sku_id = sku.sku_id GROUP BY option.group_name, option.pick
                ORDER BY min(option.position)) chosen) AS choices
    FROM sku_components part JOIN skus plain ON plain.sku_id = part.sku_id
    WHERE part.bundle_sku_id = sku.sku_id
) AS bundle ON sku.kind = 'bundle'
"""  # noqa: S608  # composed of constants

# What is over is not for sale, what an expiry has emptied not until it has cards again; nor are bundles with them.
_FOR_SALE = """
sku.on_sale AND NOT EXISTS (
    SELECT FROM skus plain LEFT JOIN sku_components part ON part.sku_id = plain.sku_id AND part.bundle_sku_id = sku.sku_id
    WHERE (plain.sku_id = sku.sku_id OR part.sku_id IS NOT NULL)
      AND (plain.ends_at <= now() OR plain.expired_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM shelf WHERE shelf.sku_id = plain.sku_id))
)
"""

_ON_SHELF = f"""
product.on_shelf
AND coalesce(product.on_shelf_from <= now(), true) AND coalesce(now() < product.on_shelf_until, true)
AND (NOT EXISTS (SELECT FROM skus sku WHERE sku.product_id = product.product_id AND sku.on_sale)
     OR EXISTS (SELECT FROM skus sku WHERE sku.product_id = product.product_id AND {_FOR_SALE}))
"""  # noqa: S608  # composed of the constant above

_PRODUCT = f"""
SELECT product.product_id, product.name, product.category, product.description, product.included, product.worth_minor,
       product.why, product.instructions, product.images, product.on_shelf, product.on_shelf_from,
       product.on_shelf_until, product.version,
       (SELECT json_agg({_SKU} ORDER BY sku.sku_id) FROM {_SKU_SOURCE}
        WHERE sku.product_id = product.product_id AND ($1 OR {_FOR_SALE})) AS skus
FROM products product
WHERE ($1 OR ({_ON_SHELF}))
"""  # noqa: S608  # composed of the constants above

_ONE = _PRODUCT + " AND product.product_id = $2"

_LIST = f"""
{_PRODUCT}
AND ($2::text IS NULL OR product.category = $2
     OR product.category IN (SELECT code FROM categories WHERE parent_code = $2))
AND ($3::text IS NULL OR position(lower($3) IN lower(product.name)) > 0)
AND product.product_id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY product.product_id DESC LIMIT $5
"""  # noqa: S608  # composed of the constants above

_SKUS = f"""
SELECT {_SKU} AS sku FROM {_SKU_SOURCE}
WHERE ($1::uuid IS NULL OR sku.product_id = $1) AND sku.sku_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY sku.sku_id DESC LIMIT $3
"""  # noqa: S608  # composed of the constants above

_ONE_SKU = f"SELECT {_SKU} AS sku FROM {_SKU_SOURCE} WHERE sku.sku_id = $1"  # noqa: S608  # of the constants above


async def list_products(
    read: UnitOfWork, *, category: str | None, search: str | None, cursor: str | None, limit: int
) -> Page[ProductOut]:
    """What is on the shelf, the newest first."""
    rows = await read.raw.fetch(_LIST, False, category, search, after(cursor), limit + 1)
    return page([_product(row) for row in rows], limit=limit, key=lambda product: product.product_id)


async def find_product(read: UnitOfWork, product_id: UUID) -> ProductOut | None:
    """One product, if it is on the shelf."""
    row = await read.raw.fetchrow(_ONE, False, product_id)
    return None if row is None else _product(row)


async def list_products_for_operators(
    read: UnitOfWork, *, category: str | None, search: str | None, cursor: str | None, limit: int
) -> Page[ProductOpsOut]:
    """All there are, the newest first."""
    rows = await read.raw.fetch(_LIST, True, category, search, after(cursor), limit + 1)
    return page([_product_for_operators(row) for row in rows], limit=limit, key=lambda product: product.product_id)


async def find_product_for_operators(read: UnitOfWork, product_id: UUID) -> ProductOpsOut | None:
    row = await read.raw.fetchrow(_ONE, True, product_id)
    return None if row is None else _product_for_operators(row)


async def list_skus(read: UnitOfWork, *, product_id: UUID | None, cursor: str | None, limit: int) -> Page[SkuOpsOut]:
    """SKUs with their counters, the newest first."""
    rows = await read.raw.fetch(_SKUS, product_id, after(cursor), limit + 1)
    return page([SkuOpsOut(**_with_stock(row["sku"])) for row in rows], limit=limit, key=lambda sku: sku.sku_id)


async def find_sku(read: UnitOfWork, sku_id: UUID) -> SkuOpsOut | None:
    row = await read.raw.fetchrow(_ONE_SKU, sku_id)
    return None if row is None else SkuOpsOut(**_with_stock(row["sku"]))


def _product(row: Any) -> ProductOut:
    return ProductOut(**_page(row), skus=[_sku(sku) for sku in row["skus"] or ()])


def _product_for_operators(row: Any) -> ProductOpsOut:
    return ProductOpsOut(
        **_page(row),
        on_shelf=row["on_shelf"],
        version=row["version"],
        skus=[SkuOpsOut(**_with_stock(sku)) for sku in row["skus"] or ()],
    )


def _page(row: Any) -> dict[str, Any]:
    """What the product's page says."""
    return {name: row[name] for name in ProductPage.model_fields}


def _sku(sku: dict[str, Any]) -> SkuOut:
    full = _with_stock(sku)
    full["buyer_fields"] = _asked(full)
    return SkuOut(**{name: full[name] for name in SkuOut.model_fields})


def _asked(sku: dict[str, Any]) -> list[Any]:
    """What the buyer has to tell: what any part asks for, each thing once."""
    asked: dict[str, Any] = {}
    for part in sku["components"] or ([] if sku["kind"] == SkuKind.BUNDLE else [sku]):
        default = [asdict(PLAIN_ACCOUNT)] if part["kind"] == SkuKind.DIRECT_TOP_UP else []
        for field in part["buyer_fields"] or default:
            asked.setdefault(field["name"], field)
    return list(asked.values())


def _with_stock(sku: dict[str, Any]) -> dict[str, Any]:
    free = sku["free"]
    choices = [
        {**group, "options": [{**option, "stock": _shown(option["free"])} for option in group["options"]]}
        for group in sku["choices"]
    ]
    return {**sku, "stock": _shown(free), "stock_unlimited": free is None, "choices": choices}


def _shown(free: int | None) -> int:
    return UNLIMITED_STOCK if free is None else min(free, UNLIMITED_STOCK)
