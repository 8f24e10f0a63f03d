"""What the gateway's dashboard asks."""

from fastapi import APIRouter

from services.order.api.desk import OrderDesk
from services.order.queries.figures import Figures
from shared.http import ServiceCaller

router = APIRouter(tags=["internal"], include_in_schema=False)


@router.get("/internal/figures")
async def figures(_: ServiceCaller, desk: OrderDesk) -> Figures:
    """How orders stand now."""
    return await desk.figures.get()
