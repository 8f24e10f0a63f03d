"""Tell that little is left, once."""

from datetime import datetime

from services.inventory import events
from services.inventory.repository import alerts
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import get_logger

log = get_logger(__name__)

LOW_STOCK_MAX = 500
"""SKUs that one run looks after; the next one goes on."""


async def announce_low_stock(uow: UnitOfWork, *, now: datetime) -> int:
    """Say which SKUs have begun to run low; answers how many. Each is said again only after there was enough."""
    low = await alerts.turn_low(uow, limit=LOW_STOCK_MAX)
    for sku_id, available, low_stock_below in low:
        announce(
            uow,
            events.stock_low(sku_id=sku_id, available=available, low_stock_below=low_stock_below, noticed_at=now),
            now=now,
        )
        log.info("stock.low", sku_id=sku_id, available=available)
    return len(low)
