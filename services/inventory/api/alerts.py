"""What operators should look after before buyers notice."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.inventory.api.callers import CatalogueOperator
from services.inventory.queries import alerts
from services.inventory.schemas import ExpiringOut, LowStockOut
from shared.clock import utc_now
from shared.http import DEFAULT_PAGE, Cursor, Page, PageSize, Reading

routes = APIRouter(prefix="/v1/ops/stock", tags=["cards"])

DAYS_MAX = 3_650
Days = Annotated[int, Query(ge=0, le=DAYS_MAX, description="how far to look ahead")]


@routes.get("/low")
async def list_low(
    _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[LowStockOut]:
    """SKUs on sale of which less is left than their `low_stock_below`."""
    return await alerts.list_low(read, cursor=cursor, limit=limit)


@routes.get("/expiring")
async def list_expiring(
    _: CatalogueOperator, read: Reading, days: Days = 30, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[ExpiringOut]:
    """Batches with unsold cards that expire within so many days."""
    return await alerts.list_expiring(read, before=utc_now() + timedelta(days=days), cursor=cursor, limit=limit)
