"""A partner's statement: what it was owed, what moved, what it is owed now. Signs are the partner's: plus is in its favour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from services.settlement.domain.accounts import AccountKind
from services.settlement.domain.journals import JournalKind
from services.settlement.domain.periods import Period

_STATEMENT_IDS = UUID("0d6fb7f4-6c62-5f0e-8a39-6c0f1df2b6aa")
"""The namespace under which a statement's id is made from what it covers."""


class MovementKind(StrEnum):
    """Why a partner's balance moved."""

    SHARE = "share"
    REDEMPTION = "redemption"
    REDEMPTION_UNDONE = "redemption_undone"
    REVERSAL = "reversal"


MOVEMENT_OF = {
    JournalKind.SPLIT: MovementKind.SHARE,
    JournalKind.REDEMPTION: MovementKind.REDEMPTION,
    JournalKind.REDEMPTION_UNDONE: MovementKind.REDEMPTION_UNDONE,
    JournalKind.SPLIT_BACK: MovementKind.REVERSAL,
}


class StatementDriftError(Exception):
    """Opening, movements and closing do not tie, or a file's bytes are not those that were announced."""


class StatementLine(NamedTuple):
    """One posting on the partner's accounts. `deferred_minor` becomes `amount_minor` when the card is redeemed, and the
    other way round when that is undone.
    """

    journal_no: int
    line_no: int
    posted_at: datetime
    kind: MovementKind
    party: str
    order_id: UUID
    component_id: UUID
    sku_id: UUID
    entitlement_id: UUID | None
    amount_minor: int
    deferred_minor: int


class Movement(NamedTuple):
    """All lines of one kind, added up."""

    kind: MovementKind
    lines: int
    amount_minor: int
    deferred_minor: int


class Balance(NamedTuple):
    """What is owed now, and what will be once it is redeemed."""

    amount_minor: int
    deferred_minor: int

    def plus(self, movements: Sequence[Movement]) -> "Balance":
        """The balance after these movements."""
        return Balance(
            self.amount_minor + sum(movement.amount_minor for movement in movements),
            self.deferred_minor + sum(movement.deferred_minor for movement in movements),
        )


class Anchor(NamedTuple):
    """The block of the ledger's chain that seals the statement's last journal."""

    block_no: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """The figures of one statement. Its lines are the partner's postings of the period up to `through_no`.

    Revision 0 is provisional: the period was still open. From 1 on it is final; what was posted into the period later
    makes the next revision. Nothing in it depends on when it was drawn, so drawing it again makes the same bytes.
    """

    partner_id: UUID
    partner_name: str
    currency: str
    period: Period
    revision: int
    through_no: int
    anchor: Anchor | None
    opening: Balance
    movements: tuple[Movement, ...]

    @property
    def statement_id(self) -> UUID:
        """Follows from what the statement covers (RFC 9562, version 5)."""
        covered = f"{self.partner_id}|{self.currency}|{self.period.name}|{self.revision}|{self.through_no}"
        return uuid5(_STATEMENT_IDS, covered)

    @property
    def is_final(self) -> bool:
        return self.revision > 0

    @property
    def closing(self) -> Balance:
        return self.opening.plus(self.movements)

    @property
    def lines(self) -> int:
        return sum(movement.lines for movement in self.movements)


class FileFacts(NamedTuple):
    """What a rendered file is known by."""

    sha256: str
    size_bytes: int


def movement_of(*, debit: AccountKind, credit: AccountKind, amount_minor: int) -> Balance:
    """What a posting does to a partner's balance: a credit is in its favour, a debit is not."""
    payable = (credit is AccountKind.PAYABLE) - (debit is AccountKind.PAYABLE)
    deferred = (credit is AccountKind.DEFERRED) - (debit is AccountKind.DEFERRED)
    return Balance(payable * amount_minor, deferred * amount_minor)
