"""The ledger as operators see it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.settlement.domain.accounts import AccountKind
from shared.http import Page


class AccountOut(BaseModel):
    """An account with all that is posted on it. `balance_minor` counts on the side on which such accounts grow."""

    code: str
    kind: AccountKind
    owner: str | None
    currency: str
    debit_minor: int
    credit_minor: int
    balance_minor: int
    normal_side: Literal["debit", "credit"]


AccountPage = Page[AccountOut]


class PostingOut(BaseModel):
    """One amount, from the account it credits to the account it debits."""

    line: int
    debit: str
    credit: str
    amount_minor: int
    partner_id: UUID | None
    party: str | None


class JournalOut(BaseModel):
    """What one event did. `block_no` is the block that seals it, once one does."""

    journal_no: int
    journal_id: UUID
    kind: str
    subject_id: UUID
    order_id: UUID | None
    component_id: UUID | None
    currency: str
    posted_at: datetime
    block_no: int | None
    postings: list[PostingOut]


class JournalsOut(BaseModel):
    """All journals of one order, in the order of posting."""

    items: list[JournalOut]
    next_cursor: None = None


class Wrong(StrEnum):
    """What can be wrong with the ledger."""

    CHAIN_BROKEN = "chain_broken"
    BLOCK_CHANGED = "block_changed"
    JOURNAL_CHANGED = "journal_changed"
    JOURNAL_MISSING = "journal_missing"
    JOURNAL_ADDED = "journal_added"
    POSTING_ORPHANED = "posting_orphaned"
    TOTAL_DRIFTED = "total_drifted"


class FirstWrong(BaseModel):
    """The first thing that is not as it was sealed."""

    what: Wrong
    block_no: int | None = None
    journal_no: int | None = None
    journal_id: UUID | None = None
    detail: str


class LedgerVerification(BaseModel):
    """The outcome of reading the whole chain again."""

    ok: bool
    blocks: int
    journals: int
    postings: int
    unsealed_journals: int = Field(description="journals that no block seals yet; they were not checked")
    head_block_no: int
    head_hash: str
    difference_minor: dict[str, int] = Field(description="debits minus credits of all accounts, by currency: zero")
    first_wrong: FirstWrong | None
    took_ms: int
