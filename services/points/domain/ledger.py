"""Points as they are earned, taken back, expire and are corrected. Every move returns what changes, nothing is changed here.

Points are whole numbers. A member's *balance* is what he has less what he owes; it is the sum of his entries.
He owes only when he has nothing: a claw-back takes every open lot before it becomes debt, and debt is settled from
the next points that come in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class EntryKind(StrEnum):
    """Why a balance changed."""

    EARN = "earn"
    REVERSE = "reverse"
    EXPIRE = "expire"
    ADJUST = "adjust"


class LotState(StrEnum):
    """Where a lot stands. What is spent of it shows in `remaining`, not here."""

    PENDING = "pending"
    AVAILABLE = "available"
    EXPIRED = "expired"
    REVERSED = "reversed"


class InsufficientPointsError(Exception):
    """The member has fewer available points than are to be taken."""


@dataclass(frozen=True, slots=True)
class Account:
    """A member's points. `sequence` is the number of his last entry."""

    member_id: UUID
    available: int = 0
    pending: int = 0
    debt: int = 0
    sequence: int = 0

    @property
    def balance(self) -> int:
        """What he has less what he owes: the sum of his entries."""
        return self.available + self.pending - self.debt


@dataclass(frozen=True, slots=True)
class Lot:
    """Points that came in together and expire together. `cost_minor` is for all that were granted."""

    lot_id: UUID
    member_id: UUID
    component_id: UUID | None
    granted: int
    remaining: int
    expired: int
    state: LotState
    cost_minor: int
    available_at: datetime
    expires_at: datetime

    @property
    def is_used(self) -> bool:
        """Whether something was spent of it, or went into debt."""
        return self.remaining + self.expired < self.granted

    def less(self, points: int) -> "Lot":
        """The lot after some of it was used."""
        return replace(self, remaining=self.remaining - points)


@dataclass(frozen=True, slots=True)
class Cause:
    """What stands behind an entry, kept so that the entry can explain itself."""

    entry_id: UUID
    kind: EntryKind
    occurred_at: datetime
    order_id: UUID | None = None
    component_id: UUID | None = None
    refund_id: UUID | None = None
    rule_version: int | None = None
    amount_minor: int | None = None
    reason: str | None = None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger, never changed. `settled` is what went into debt at once (or, negative, became debt)."""

    cause: Cause
    member_id: UUID
    sequence: int
    points: int
    balance: int
    settled: int
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Use:
    """How many points of a lot an entry took."""

    entry_id: UUID
    lot_id: UUID
    points: int


@dataclass(frozen=True, slots=True)
class Move:
    """What one happening changes: the account and the lots as they now stand, and the lines that say why."""

    account: Account
    lots: tuple[Lot, ...]
    entry: Entry | None = None
    uses: tuple[Use, ...] = ()


def receive(account: Account, lot: Lot, cause: Cause) -> Move:
    """Points come in as a lot. Debt is settled from them first; the rest waits or can be spent at once."""
    settled = min(account.debt, lot.remaining)
    kept = lot.less(settled) if settled else lot
    after = _moved(account, kept, kept.remaining, debt=-settled)
    entry = _entry(after, cause, points=lot.granted, settled=settled, lot_id=lot.lot_id)
    uses = (Use(cause.entry_id, lot.lot_id, settled),) if settled else ()
    return Move(after, (kept,), entry, uses)


def take_back(account: Account, own: Lot, others: Sequence[Lot], cause: Cause) -> Move:
    """Take back what a lot brought: from itself, then from the member's other lots, and what is missing he owes.

    Points of the lot that expired are gone already and are not taken twice.

    :param others: his other lots with something left.
    """
    due = own.granted - own.expired
    taken = _take(due, (own, *in_order_of_use(others)))
    missing = due - sum(use_points for _, use_points in taken)
    changed = {lot.lot_id: lot.less(points) for lot, points in taken}
    changed[own.lot_id] = replace(changed.get(own.lot_id, own), state=LotState.REVERSED)
    if due == 0:
        return Move(account, tuple(changed.values()))
    pending = sum(points for lot, points in taken if lot.state is LotState.PENDING)
    after = Account(
        account.member_id,
        available=account.available - (due - missing - pending),
        pending=account.pending - pending,
        debt=account.debt + missing,
        sequence=account.sequence + 1,
    )
    entry = _entry(after, cause, points=-due, settled=-missing, lot_id=own.lot_id)
    return Move(after, tuple(changed.values()), entry, _uses(cause, taken))


def spend(account: Account, lots: Sequence[Lot], points: int, cause: Cause) -> Move:
    """Take available points, those that expire first before others.

    :raises InsufficientPointsError: he has fewer that are available.
    """
    if points > account.available:
        raise InsufficientPointsError(f"{account.available} points are available, {points} are wanted")
    taken = _take(points, in_order_of_use(lot for lot in lots if lot.state is LotState.AVAILABLE))
    after = replace(account, available=account.available - points, sequence=account.sequence + 1)
    entry = _entry(after, cause, points=-points, settled=0, lot_id=None)
    return Move(after, tuple(lot.less(part) for lot, part in taken), entry, _uses(cause, taken))


def expire(account: Account, lot: Lot, cause: Cause) -> Move:
    """What is left of a lot is gone."""
    gone = replace(lot, remaining=0, expired=lot.expired + lot.remaining, state=LotState.EXPIRED)
    after = _moved(account, lot, -lot.remaining)
    entry = _entry(after, cause, points=-lot.remaining, settled=0, lot_id=lot.lot_id)
    return Move(after, (gone,), entry, (Use(cause.entry_id, lot.lot_id, lot.remaining),))


def activate(account: Account, lot: Lot) -> Move:
    """A pending lot can be spent from now on. The balance stays, so no entry is written."""
    after = replace(account, pending=account.pending - lot.remaining, available=account.available + lot.remaining)
    return Move(after, (replace(lot, state=LotState.AVAILABLE),))


def in_order_of_use(lots: Iterable[Lot]) -> list[Lot]:
    """Available lots before pending ones, and what expires first before the rest."""
    return sorted(lots, key=lambda lot: (lot.state is LotState.PENDING, lot.expires_at, lot.lot_id))


def _take(points: int, lots: Iterable[Lot]) -> list[tuple[Lot, int]]:
    taken: list[tuple[Lot, int]] = []
    for lot in lots:
        part = min(points, lot.remaining)
        if part:
            taken.append((lot, part))
            points -= part
    return taken


def _moved(account: Account, lot: Lot, points: int, *, debt: int = 0) -> Account:
    """The account after an entry that moved points of one lot."""
    pending = points if lot.state is LotState.PENDING else 0
    return Account(
        account.member_id,
        available=account.available + points - pending,
        pending=account.pending + pending,
        debt=account.debt + debt,
        sequence=account.sequence + 1,
    )


def _entry(after: Account, cause: Cause, *, points: int, settled: int, lot_id: UUID | None) -> Entry:
    return Entry(cause, after.member_id, after.sequence, points, after.balance, settled, lot_id)


def _uses(cause: Cause, taken: Iterable[tuple[Lot, int]]) -> tuple[Use, ...]:
    return tuple(Use(cause.entry_id, lot.lot_id, points) for lot, points in taken)
