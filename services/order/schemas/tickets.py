"""Tickets over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order.domain.tickets import Resolution, TicketKind, TicketReason

TextIn = Annotated[str, Field(min_length=1, max_length=2_000)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class TicketIn(_In):
    """What is wrong with which line or component, and what is wanted."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "example": {
                "line_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d901",
                "component_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d902",
                "kind": "replacement",
                "reason": "already_used",
                "description": "兑换时提示已被使用",
            }
        },
    )

    line_id: UUID
    component_id: UUID | None = None
    kind: TicketKind
    reason: TicketReason
    description: TextIn


class TicketTextIn(_In):
    """What somebody writes."""

    text: TextIn = Field(examples=["请问什么时候处理？"])


class RatingIn(_In):
    """How it was: 1 (bad) to 5 (good)."""

    score: Annotated[int, Field(ge=1, le=5, examples=[5])]
    comment: Annotated[str | None, Field(max_length=1_000)] = None


class AssignIn(_In):
    """Take the ticket on, or leave it."""

    mine: bool = True


class ResolveIn(_In):
    """How the ticket ends, and why; the buyer reads it."""

    outcome: Resolution = Field(examples=["refund"])
    reason: TextIn = Field(examples=["核实后为您退款"])


class TicketMessageOut(BaseModel):
    """One message: `author` is `buyer`, `shop` or `system`."""

    author: str
    text: str
    at: datetime


class EvidenceOut(BaseModel):
    """One image."""

    evidence_id: UUID
    media_type: str
    size_bytes: int
    at: datetime


class EvidenceAddedOut(BaseModel):
    """An image was taken."""

    evidence_id: UUID


class TicketOut(BaseModel):
    """A ticket as its buyer sees it. `due_at`: by when whoever's turn it is should have answered."""

    ticket_id: UUID
    order_id: UUID
    line_id: UUID
    component_id: UUID | None
    kind: str
    reason: str
    status: str
    opened_at: datetime
    due_at: datetime | None
    resolution: str | None
    resolved_at: datetime | None
    refund_id: UUID | None
    score: int | None


class TicketDetailOut(TicketOut):
    """With what was written and shown."""

    messages: list[TicketMessageOut]
    evidence: list[EvidenceOut]


class OperatorTicketOut(TicketOut):
    """A ticket as operators see it. `resolved_by`: `rule:…` or `operator:…`; `escalated_at`: the shop is late."""

    order_no: str
    member_id: UUID | None
    entitlement_id: UUID | None
    escalated_at: datetime | None
    assigned_to: str | None
    resolved_by: str | None


class OperatorTicketDetailOut(OperatorTicketOut):
    """With what was written and shown, and what the buyer said in the end."""

    messages: list[TicketMessageOut]
    evidence: list[EvidenceOut]
    comment: str | None
