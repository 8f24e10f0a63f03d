"""What operators did to orders is written down with the effect."""

from datetime import datetime
from uuid import UUID

from services.order.repository.operators import add_action
from shared.database import UnitOfWork


async def note_action(
    uow: UnitOfWork, *, order_id: UUID, operator: str, action: str, detail: str | None, now: datetime
) -> None:
    """Who did what to which order, and why."""
    await add_action(uow, order_id=order_id, operator=operator, action=action, detail=detail, now=now)
