"""Bad cards."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.inventory.domain.reports import Fault, ReportState
from services.inventory.schemas.base import Incoming


class ReportIn(Incoming):
    """What is wrong with a card."""

    fault: Fault = Field(examples=["already_used"])


class ReportedOut(BaseModel):
    """Where a report stands: `replaced` means that a reveal shows another code now."""

    report_id: UUID
    state: ReportState


class ReportOut(BaseModel):
    """A report as operators see it.

    Once a card is replaced its batch owes us `cost_minor` for it, and as much again for each of `uses_dropped`: of a card
    with several uses those that are not sold any more.
    """

    report_id: UUID
    entitlement_id: UUID
    sku_id: UUID
    batch_id: UUID
    fault: Fault
    state: ReportState
    cost_minor: int
    new_cost_minor: int | None = None
    uses_dropped: int = 0
    reported_by: str
    reported_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
