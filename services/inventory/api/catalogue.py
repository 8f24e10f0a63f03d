"""Operators make and change products and SKUs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.catalogue import (
    NewProduct,
    NewSku,
    ProductUnknownError,
    SkuUnknownError,
)
from services.inventory.queries import shop
from services.inventory.schemas import (
    ProductIn,
    ProductOpsOut,
    ProductPatch,
    SkuIn,
    SkuOpsOut,
    SkuPatch,
    SubstitutesIn,
    Terms,
)
from services.inventory.usecases import catalogue, substituting
from shared.clock import new_id, utc_now
from shared.database import UnitOfWork
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, Reading, Work

routes = APIRouter(prefix="/v1/ops", tags=["catalogue"])


@routes.post("/products", status_code=201, response_model=ProductOpsOut)
async def create_product(body: ProductIn, _: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Make a product. SKUs are added to it next."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    product = NewProduct(product_id=new_id(), **body.model_dump())
    await catalogue.create_product(work, product, now=utc_now())
    made = await _read_product(work, product.product_id)
    return await call.keep(work, status=201, body=made.model_dump_json().encode())


@routes.get("/products")
async def list_all_products(
    _: CatalogueOperator,
    read: Reading,
    category: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[ProductOpsOut]:
    """All products, on the shelf or not, the newest first."""
    return await shop.list_products_for_operators(read, category=category, search=q or None, cursor=cursor, limit=limit)


@routes.get("/products/{product_id}")
async def read_any_product(product_id: UUID, _: CatalogueOperator, read: Reading) -> ProductOpsOut:
    """One product with all its SKUs and their counters."""
    return await _read_product(read, product_id)


@routes.patch("/products/{product_id}", response_model=ProductOpsOut)
async def change_product(
    product_id: UUID, body: ProductPatch, _: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Change what is named; the rest stays."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    changes = body.changes()
    if changes:
        await catalogue.change_product(work, product_id, changes=changes, now=utc_now())
    changed = await _read_product(work, product_id)
    return await call.keep(work, status=200, body=changed.model_dump_json().encode())


@routes.post("/skus", status_code=201, response_model=SkuOpsOut)
async def create_sku(body: SkuIn, _: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Add a SKU to a product: goods of one kind, or a bundle of these, of bundles of these, and of choices among them."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    rest = body.model_dump(exclude={"stock_cap", "components", "choices", "goods", *Terms.model_fields})
    sku = NewSku(sku_id=new_id(), **rest, **body.as_terms(), goods=body.goods.as_goods())
    bundle = body.bundle()
    await catalogue.create_sku(
        work, sku, components=bundle.parts, choices=bundle.choices, stock_cap=body.stock_cap, now=utc_now()
    )
    made = await _read_sku(work, sku.sku_id)
    return await call.keep(work, status=201, body=made.model_dump_json().encode())


@routes.get("/skus")
async def list_skus(
    _: CatalogueOperator,
    read: Reading,
    product_id: UUID | None = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[SkuOpsOut]:
    """SKUs with their counters, the newest first."""
    return await shop.list_skus(read, product_id=product_id, cursor=cursor, limit=limit)


@routes.get("/skus/{sku_id}")
async def read_sku(sku_id: UUID, _: CatalogueOperator, read: Reading) -> SkuOpsOut:
    return await _read_sku(read, sku_id)


@routes.patch("/skus/{sku_id}", response_model=SkuOpsOut)
async def change_sku(sku_id: UUID, body: SkuPatch, _: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Change what is named, null included; the rest stays."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    changes = body.changes()
    if "stock_cap" in changes:
        await catalogue.set_stock_cap(work, sku_id, stock_cap=changes.pop("stock_cap"), now=utc_now())
    if changes:
        await catalogue.change_sku(work, sku_id, changes=changes, now=utc_now())
    changed = await _read_sku(work, sku_id)
    return await call.keep(work, status=200, body=changed.model_dump_json().encode())


@routes.put("/skus/{sku_id}/substitutes", response_model=SkuOpsOut)
async def name_substitutes(
    sku_id: UUID, body: SubstitutesIn, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Say what is delivered instead where the SKU cannot be had; an empty list: nothing, it is refunded then."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    await substituting.name_substitutes(
        work, sku_id, body.sku_ids, other_partners=body.other_partners, operator=caller.caller
    )
    changed = await _read_sku(work, sku_id)
    return await call.keep(work, status=200, body=changed.model_dump_json().encode())


async def _read_product(read: UnitOfWork, product_id: UUID) -> ProductOpsOut:
    product = await shop.find_product_for_operators(read, product_id)
    if product is None:
        raise ProductUnknownError(f"there is no product {product_id}")
    return product


async def _read_sku(read: UnitOfWork, sku_id: UUID) -> SkuOpsOut:
    sku = await shop.find_sku(read, sku_id)
    if sku is None:
        raise SkuUnknownError(f"there is no SKU {sku_id}")
    return sku
