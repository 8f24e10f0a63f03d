"""Orders, payments and refunds as their owners see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order.schemas.checkout import LINES_MAX, AdjustmentOut

COMPONENTS_MAX = 50
"""Components that one refund may name in one line."""


class ComponentOut(BaseModel):
    """The unit of fulfilment and refund. Codes are shown by the wallet, here only masked.

    `substituted_sku_id` and `substituted_name` tell what was delivered instead.
    """

    component_id: UUID
    sku_id: UUID
    name: str
    kind: str
    quantity: int
    amount_minor: int
    status: str
    entitlement_ids: list[UUID]
    masked: list[str]
    reason: str | None
    substituted_sku_id: UUID | None = None
    substituted_name: str | None = None


class LineOut(BaseModel):
    """One SKU of the order."""

    line_id: UUID
    product_id: UUID
    sku_id: UUID
    name: str
    quantity: int
    list_minor: int
    total_minor: int
    components: list[ComponentOut]


class RefundPartOut(BaseModel):
    """One component of a refund."""

    component_id: UUID
    status: str
    amount_minor: int


class RefundOut(BaseModel):
    """Some of the order, taken back together."""

    refund_id: UUID
    status: str
    reason: str
    amount_minor: int
    currency: str
    requested_at: datetime
    ended_at: datetime | None
    components: list[RefundPartOut]


class OrderOut(BaseModel):
    """An order as it stands. `version` grows with every change."""

    order_id: UUID
    order_no: str
    channel: str
    status: str
    currency: str
    list_minor: int
    total_minor: int
    adjustments: list[AdjustmentOut]
    created_at: datetime
    pay_before: datetime
    paid_at: datetime | None
    fulfilled_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    version: int
    lines: list[LineOut]
    refunds: list[RefundOut]


class PaymentIn(BaseModel):
    """By whom to be paid."""

    model_config = ConfigDict(extra="forbid")

    provider: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]


class PaymentOut(BaseModel):
    """What the buyer's client needs to pay: `sandbox` answers with a page to open."""

    payment_id: UUID
    pay_url: str


class RefundLineIn(BaseModel):
    """A line to be taken back, whole or only some of its components."""

    model_config = ConfigDict(extra="forbid")

    line_id: UUID
    components: Annotated[list[UUID] | None, Field(min_length=1, max_length=COMPONENTS_MAX)] = None


class RefundIn(BaseModel):
    """What is to be taken back; without `lines` whatever of the order can be."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[RefundLineIn] | None, Field(min_length=1, max_length=LINES_MAX)] = None
    reason: Annotated[str, Field(max_length=500)] = ""


class RefundAcceptedOut(BaseModel):
    """The refund has begun; the order shows how it goes on."""

    refund_id: UUID
    status: str
    amount_minor: int
    currency: str
