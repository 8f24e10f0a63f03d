"""What operators did."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert

from services.order.tables import OPERATOR_ACTIONS
from shared.clock import new_id
from shared.database import UnitOfWork


async def add_action(
    uow: UnitOfWork, *, order_id: UUID, operator: str, action: str, detail: str | None, now: datetime
) -> None:
    """Write one action down."""
    values = {"order_id": order_id, "operator": operator, "action": action, "detail": detail, "at": now}
    await uow.sql.execute(insert(OPERATOR_ACTIONS).values(action_id=new_id(), **values))
