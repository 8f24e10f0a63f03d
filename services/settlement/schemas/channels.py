"""Channels, their accounts and what moves them."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.settlement.domain.channels import EntryKind, TransferState
from services.settlement.schemas.partners import PartnerName
from shared.http import Page

MONEY_MAX = 10**12

Amount = Annotated[int, Field(strict=True, gt=0, le=MONEY_MAX)]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

_ACCOUNT: Final[dict[str, Any]] = {
    "channel_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d801",
    "name": "星河卡券分销",
    "currency": "CNY",
    "balance_minor": 1_254_000,
    "credit_limit_minor": 200_000,
    "available_minor": 1_454_000,
    "daily_spend_max_minor": 5_000_000,
}


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LimitsIn(_In):
    """How far below zero the account may go, and what may be spent in one day in Shanghai; null: all there is."""

    credit_limit_minor: Annotated[int, Field(strict=True, ge=0, le=MONEY_MAX)] = 0
    daily_spend_max_minor: Amount | None = None


class ChannelIn(LimitsIn):
    """A reseller to register."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "星河卡券分销", "currency": "CNY", "credit_limit_minor": 200_000}]},
    )

    name: PartnerName
    currency: Currency = "CNY"


class ChannelOut(BaseModel):
    """A channel with its account. Its keys are a partner's: `/v1/ops/partners/{channel_id}/keys`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCOUNT]})

    channel_id: UUID
    name: str
    currency: str
    balance_minor: int
    credit_limit_minor: int
    available_minor: int = Field(description="balance and credit: what may still be spent")
    daily_spend_max_minor: int | None


ChannelPage = Page[ChannelOut]


class ChannelEntryOut(BaseModel):
    """One movement: what it adds to the balance, and the balance after it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entry_no": 42,
                    "kind": "purchase",
                    "subject_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8aa",
                    "order_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8aa",
                    "amount_minor": -1_710,
                    "balance_minor": 1_254_000,
                    "at": "2026-11-25T04:30:00Z",
                }
            ]
        }
    )

    entry_no: int
    kind: EntryKind
    subject_id: UUID
    order_id: UUID | None
    amount_minor: int
    balance_minor: int
    at: datetime


ChannelEntryPage = Page[ChannelEntryOut]


class TransferIn(_In):
    """Money that came by bank, as the bank shows it; negative: we sent it back. `reference` is the bank's number."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"reference": "ICBC-20261125-00017", "amount_minor": 1_000_000, "note": "11 月预存"}]
        },
    )

    reference: Reference
    amount_minor: Annotated[int, Field(strict=True, ge=-MONEY_MAX, le=MONEY_MAX)]
    note: Note


class TransferOut(BaseModel):
    """A transfer and who decided about it."""

    transfer_id: UUID
    channel_id: UUID
    reference: str
    amount_minor: int
    note: str
    state: TransferState
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None


TransferPage = Page[TransferOut]


class PurchaseIn(_In):
    """What order takes from a channel's account."""

    channel_id: UUID
    order_id: UUID
    amount_minor: Amount
    currency: Currency


class PurchaseOut(BaseModel):
    """What an account paid for an order."""

    order_id: UUID
    channel_id: UUID
    amount_minor: int
    currency: str


class RefundIn(_In):
    """What order gives back of what an account paid."""

    refund_id: UUID
    order_id: UUID
    amount_minor: Amount


class RefundOut(BaseModel):
    """What an account got back."""

    refund_id: UUID
    amount_minor: int
