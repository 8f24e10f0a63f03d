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
    """A report as operators see it. `cost_minor` of the bad card is what its batch owes us once it is replaced."""

    report_id: UUID
    entitlement_id: UUID
    sku_id: UUID
    batch_id: UUID
    fault: Fault
    state: ReportState
    cost_minor: int
    new_cost_minor: int | None = None
    reported_by: str
    reported_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
