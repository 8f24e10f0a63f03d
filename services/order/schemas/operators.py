"""What operators send and see."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order.schemas.orders import OrderOut, RefundIn


class OrderSummaryOut(BaseModel):
    """One line of a search. `due_at`: when its step is late; `nudges`: how often that was announced again."""

    order_id: UUID
    order_no: str
    member_id: UUID | None
    channel: str
    channel_id: UUID | None
    status: str
    currency: str
    total_minor: int
    created_at: datetime
    paid_at: datetime | None
    due_at: datetime | None
    nudges: int


class PaymentDetailOut(BaseModel):
    """One attempt to pay. `outcome` says what became of the money, `amount_minor` what was agreed, and once paid what came."""

    payment_id: UUID
    provider: str
    amount_minor: int
    currency: str
    status: str
    outcome: str | None
    created_at: datetime
    paid_at: datetime | None
    provider_trade_no: str | None
    fee_minor: int
    refunded_minor: int


class StepOut(BaseModel):
    """One thing that happened."""

    at: datetime
    what: str
    detail: str | None


class OrderDetailOut(BaseModel):
    """All there is to know of an order. `contact` is masked."""

    order: OrderOut
    member_id: UUID | None
    contact: str | None
    payments: list[PaymentDetailOut]
    timeline: list[StepOut]


class RefundReviewOut(BaseModel):
    """A refund that waits for a person."""

    refund_id: UUID
    order_id: UUID
    reason: str
    status: str
    amount_minor: int
    currency: str
    requested_by: str
    requested_at: datetime
    note: str | None


class AnomalyOut(BaseModel):
    """Notifies of one kind that were refused within an hour, with the first one's text."""

    anomaly_id: UUID
    provider: str
    code: str
    payment_no: str
    seen: int
    first_at: datetime
    last_at: datetime
    excerpt: str


class OperatorRefundIn(RefundIn):
    """A refund by an operator, who says why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class DismissIn(BaseModel):
    """The component that was used and is not refunded, and why."""

    model_config = ConfigDict(extra="forbid")

    component_id: UUID
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class AnnouncedOut(BaseModel):
    """How many events were announced once more."""

    events: int
