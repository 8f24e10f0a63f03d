"""The shop window: anyone may look."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.inventory.domain.catalogue import ProductUnknownError
from services.inventory.queries import shop
from services.inventory.schemas import ProductOut
from shared.http import Caller, Cursor, Page, PageSize, Reading

routes = APIRouter(prefix="/v1/products", tags=["shop"])

PRODUCTS_PER_PAGE = 20


@routes.get("")
async def list_products(
    _: Caller,
    read: Reading,
    category: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: PageSize = PRODUCTS_PER_PAGE,
) -> Page[ProductOut]:
    """What is on the shelf, the newest first; `q` is looked for in names."""
    return await shop.list_products(read, category=category, search=q or None, cursor=cursor, limit=limit)


@routes.get("/{product_id}")
async def read_product(product_id: UUID, _: Caller, read: Reading) -> ProductOut:
    """One product with its SKUs, their stock, and what bundles consist of."""
    product = await shop.find_product(read, product_id)
    if product is None:
        raise ProductUnknownError(f"there is no product {product_id}")
    return product
