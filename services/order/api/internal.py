"""What the gateway's dashboard asks, and what inventory does before it sells a hold's goods to others."""

from fastapi import APIRouter

from services.order.api.desk import OrderDesk
from services.order.queries.figures import Figures
from services.order.queries.orders import live_orders
from services.order.schemas.internal import OrderIds
from shared.http import Reading, ServiceCaller

router = APIRouter(tags=["internal"], include_in_schema=False)


@router.get("/internal/figures")
async def figures(_: ServiceCaller, desk: OrderDesk) -> Figures:
    """How orders stand now."""
    return await desk.figures.get()


@router.post("/internal/live-orders")
async def pick_live(asked: OrderIds, _: ServiceCaller, reading: Reading) -> OrderIds:
    """Those of the orders whose goods must stay held: paid, or not yet cancelled. Who is not named was never made."""
    return OrderIds(order_ids=await live_orders(reading, asked.order_ids))
