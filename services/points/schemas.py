"""HTTP bodies of the points service. Points are whole numbers; money is in 分 with its currency."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.http import Page

MAX_RATE = 1_000_000
"""More points per 分, or 分 per point, than any shop gives: a slip of the finger."""

MAX_ADJUSTMENT = 10_000_000

Rate = Annotated[int, Field(ge=1, le=MAX_RATE)]
RateOrNothing = Annotated[int, Field(ge=0, le=MAX_RATE)]


class ExpiringPoints(BaseModel):
    """Points that are gone from `expires_at` on."""

    points: int
    expires_at: datetime


class AccountOut(BaseModel):
    """What a member has. `pending` becomes available later; `debt` is settled from the next points that come in."""

    available: int
    pending: int
    debt: int
    balance: int = Field(description="available + pending - debt: the sum of the entries")
    next_available_at: datetime | None = Field(description="when the next pending points can be spent")
    expiring_soon: list[ExpiringPoints] = Field(description="what expires within the next 60 days, soonest first")


class EntryOut(BaseModel):
    """One line of the ledger, which explains itself."""

    entry_id: UUID
    sequence: int
    kind: Literal["earn", "reverse", "expire", "adjust"]
    points: int = Field(description="signed: what the entry adds to the balance")
    balance: int = Field(description="the balance after it")
    why: str
    order_id: UUID | None
    component_id: UUID | None
    refund_id: UUID | None
    rule_version: int | None
    amount_minor: int | None
    lot_id: UUID | None
    occurred_at: datetime


EntryPage = Page[EntryOut]


class RuleIn(BaseModel):
    """`points` for every `per_minor` 分 paid; `cost_points` points cost us `cost_minor` 分 when they are spent."""

    model_config = ConfigDict(extra="forbid")

    points: RateOrNothing
    per_minor: Rate
    cost_minor: RateOrNothing = 1
    cost_points: Rate = 1
    effective_from: AwareDatetime | None = Field(default=None, description="from now on, if left out")


class RuleOut(BaseModel):
    """One version of the rule. Entries name the version they were made by."""

    version: int
    points: int
    per_minor: int
    cost_minor: int
    cost_points: int
    effective_from: datetime


class RuleRecordOut(RuleOut):
    """A version with who made it."""

    created_by: str
    created_at: datetime


class RulesOut(BaseModel):
    """Every version, the newest first."""

    items: list[RuleRecordOut]
    next_cursor: None = None


class AdjustmentIn(BaseModel):
    """Points given to a member, or (negative) taken from him, and why."""

    model_config = ConfigDict(extra="forbid")

    member_id: UUID
    points: Annotated[int, Field(ge=-MAX_ADJUSTMENT, le=MAX_ADJUSTMENT)]
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    @model_validator(mode="after")
    def _not_nothing(self) -> Self:
        if self.points == 0:
            raise ValueError("an adjustment of 0 points changes nothing")
        return self


class AdjustmentOut(BaseModel):
    """The entry that the adjustment made."""

    entry_id: UUID
    member_id: UUID
    points: int
    balance: int


class FiguresOut(BaseModel):
    """What all members together hold, as of `measured_at`, and what it will cost when it is spent."""

    measured_at: datetime | None
    accounts: int = 0
    outstanding_points: int = 0
    available_points: int = 0
    pending_points: int = 0
    debt_points: int = 0
    liability_minor: int = 0
    currency: str
