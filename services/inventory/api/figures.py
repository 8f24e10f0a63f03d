"""Figures for the dashboard."""

from fastapi import APIRouter

from services.inventory.queries import operations
from services.inventory.schemas import FiguresOut
from shared.clock import utc_now
from shared.http import Reading, ServiceCaller

routes = APIRouter(prefix="/internal/figures", tags=["figures"])


@routes.get("")
async def read_figures(_: ServiceCaller, read: Reading) -> FiguresOut:
    """Stock that runs low, cards that will expire, cards by where they are, orders with suppliers by state."""
    return await operations.read_figures(read, now=utc_now())
