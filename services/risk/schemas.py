"""HTTP bodies of the risk service, in and out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.risk.domain.cases import CaseState
from services.risk.domain.decisions import Kind, Outcome, Question
from services.risk.domain.lists import VALUE_MAX, ListKind
from services.risk.domain.rules import KeyKind, Measure, Rule

SKUS_MAX = 100
INTEGER_MAX = 2_147_483_647

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=1_000)]
"""Why somebody did it. Never empty: others will ask."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DecisionIn(_In):
    """An attempt. `ip` is the buyer's address; `device` and `phone_hash` are opaque; the amount is in the minor unit."""

    kind: Kind
    ip: Annotated[str, Field(max_length=45)]
    member_id: UUID | None = None
    device: Annotated[str, Field(max_length=200)] | None = None
    phone_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    order_id: UUID | None = None
    entitlement_id: UUID | None = None
    amount_minor: Annotated[int, Field(ge=0)] | None = None
    quantity: Annotated[int, Field(ge=0, le=INTEGER_MAX)] | None = None
    sku_ids: Annotated[tuple[UUID, ...], Field(max_length=SKUS_MAX)] = ()

    def question(self) -> Question:
        return Question(
            kind=self.kind,
            ip=self.ip,
            member_id=self.member_id,
            device=self.device,
            phone_hash=self.phone_hash,
            order_id=self.order_id,
            entitlement_id=self.entitlement_id,
            amount_minor=self.amount_minor or 0,
            quantity=self.quantity or 0,
            sku_ids=self.sku_ids,
        )


class LateQuestionIn(DecisionIn):
    """The question of a checkout, asked again because no answer came in time."""

    kind: Literal[Kind.CHECKOUT]
    order_id: UUID


class DecisionOut(BaseModel):
    """The answer. `reasons` are stable codes without limits in them: they may be shown to support."""

    decision_id: UUID
    decision: Outcome
    reasons: list[str]


class VerdictIn(_In):
    note: Note


class CaseOut(BaseModel):
    """A held order. `overdue` ones stay in the queue: no time-out decides."""

    case_id: UUID
    order_id: UUID
    member_id: UUID | None
    decision_id: UUID | None
    reasons: list[str]
    amount_minor: int
    currency: str
    state: CaseState
    opened_at: datetime
    due_at: datetime
    overdue: bool
    decided_at: datetime | None
    decided_by: str | None
    note: str | None


class HitOut(BaseModel):
    """What spoke, with what it saw. For operators only: it tells limits."""

    code: str
    outcome: Outcome
    source_id: str
    observed: int | None = None
    limit: int | None = None
    window_s: int | None = None


class DecisionRecordOut(BaseModel):
    """A decision with everything that led to it."""

    decision_id: UUID
    kind: Kind
    decision: Outcome
    member_id: UUID | None
    ip: str
    device: str | None
    order_id: UUID | None
    entitlement_id: UUID | None
    amount_minor: int
    quantity: int
    sku_ids: list[UUID]
    hits: list[HitOut]
    rules_version: int
    decided_at: datetime


class AuditOut(BaseModel):
    """One line of the trail."""

    entry_id: UUID
    action: str
    subject: str
    operator: str
    note: str
    detail: dict[str, object]
    done_at: datetime


class CaseDetailOut(CaseOut):
    """A case with what a reviewer needs: the decision that held the order, the member's latest ones, who did what."""

    decision: DecisionRecordOut | None
    recent: list[DecisionRecordOut]
    audit: list[AuditOut]


class EntryIn(_In):
    """Something to list. `value` of the kind `phone_hash` is the keyed hash, never a number."""

    kind: ListKind
    value: Annotated[str, Field(min_length=1, max_length=VALUE_MAX)]
    action: Outcome
    reason: Note
    expires_at: AwareDatetime | None = None


class EntryChangeIn(_In):
    action: Outcome
    reason: Note
    expires_at: AwareDatetime | None = None


class EntryOut(BaseModel):
    entry_id: UUID
    kind: ListKind
    value: str
    action: Outcome
    reason: str
    expires_at: datetime | None
    expired: bool
    created_at: datetime
    created_by: str


class RuleBody(_In):
    """Above `limit` of `measure` per `key` within `window_s` seconds, `outcome` follows."""

    rule_id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    kind: Kind
    measure: Measure
    key: KeyKind
    window_s: int
    limit: int
    outcome: Outcome
    account_younger_than_s: Annotated[int, Field(gt=0, le=31 * 86_400)] | None = None
    enabled: bool = True

    def rule(self) -> Rule:
        return Rule(**self.model_dump())


class RulesIn(_In):
    """The whole set. `version` is the one that was read: somebody else's change is not overwritten."""

    version: int
    rules: list[RuleBody]
    note: Note


class RulesOut(BaseModel):
    version: int
    rules: list[RuleBody]
    note: str
    created_at: datetime
    created_by: str


class FiguresOut(BaseModel):
    """For the dashboard. Decisions and times are of the answering process; cases are of all."""

    decisions_last_minute: dict[str, int]
    decision_us: dict[str, float]
    journal_pending: int
    keys_held: int
    list_entries: int
    rules_version: int
    open_cases: int
    overdue_cases: int
    oldest_open_case_at: datetime | None
