"""The points ledger's arithmetic, whatever happens in whatever order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.points.domain.book import Book
from services.points.domain.ledger import (
    Account,
    Cause,
    EntryKind,
    InsufficientPointsError,
    Lot,
    LotState,
    activate,
    expire,
    receive,
    spend,
    take_back,
)
from shared.clock import new_id

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def a_lot(member_id: UUID, points: int, *, state: LotState = LotState.AVAILABLE, days: int = 100) -> Lot:
    return Lot(
        lot_id=new_id(),
        member_id=member_id,
        component_id=new_id(),
        granted=points,
        remaining=points,
        expired=0,
        state=state,
        cost_minor=points,
        available_at=NOW,
        expires_at=NOW + timedelta(days=days),
    )


def a_cause(kind: EntryKind) -> Cause:
    return Cause(entry_id=new_id(), kind=kind, occurred_at=NOW)


def a_book(*points: int, state: LotState = LotState.AVAILABLE) -> tuple[Book, UUID, list[Lot]]:
    """One member with a lot for each number; those later in the row expire later."""
    member_id = new_id()
    lots = [a_lot(member_id, number, state=state, days=100 + place) for place, number in enumerate(points)]
    book = Book([Account(member_id)])
    for lot in lots:
        book.post(receive(book.account(member_id), lot, a_cause(EntryKind.EARN)))
    return book, member_id, lots


def remaining(book: Book, lots: Sequence[Lot]) -> list[int]:
    return [book.lot(lot.lot_id).remaining for lot in lots]


def test_points_that_expire_first_are_spent_first() -> None:
    book, member_id, lots = a_book(100, 50)
    book.post(spend(book.account(member_id), book.open_lots(member_id), 120, a_cause(EntryKind.ADJUST)))
    assert remaining(book, lots) == [0, 30]


def test_pending_points_cannot_be_spent() -> None:
    book, member_id, _ = a_book(100, state=LotState.PENDING)
    with pytest.raises(InsufficientPointsError):
        spend(book.account(member_id), book.open_lots(member_id), 1, a_cause(EntryKind.ADJUST))


def test_a_reversal_takes_from_its_own_lot_first() -> None:
    book, member_id, lots = a_book(100, 50)
    book.post(take_back(book.account(member_id), lots[1], [lots[0]], a_cause(EntryKind.REVERSE)))
    assert remaining(book, lots) == [100, 0]
    assert book.account(member_id).debt == 0
    assert book.lot(lots[1].lot_id).state is LotState.REVERSED


def test_what_was_spent_is_taken_from_other_lots_and_then_owed() -> None:
    book, member_id, lots = a_book(100, 50)
    book.post(spend(book.account(member_id), book.open_lots(member_id), 120, a_cause(EntryKind.ADJUST)))
    first, second = (book.lot(lot.lot_id) for lot in lots)
    book.post(take_back(book.account(member_id), first, [second], a_cause(EntryKind.REVERSE)))
    account = book.account(member_id)
    assert (account.available, account.debt, account.balance) == (0, 70, -70)
    assert book.entries[-1].points == -100
    assert book.entries[-1].settled == -70


def test_debt_is_settled_from_the_next_points() -> None:
    account = Account(new_id(), debt=70, sequence=3)
    lot = a_lot(account.member_id, 100, state=LotState.PENDING)
    move = receive(account, lot, a_cause(EntryKind.EARN))
    assert (move.account.debt, move.account.pending, move.account.balance) == (0, 30, 30)
    assert move.entry is not None
    assert (move.entry.points, move.entry.settled, move.entry.sequence) == (100, 70, 4)


def test_points_that_expired_are_not_taken_twice() -> None:
    book, member_id, lots = a_book(100)
    book.post(expire(book.account(member_id), lots[0], a_cause(EntryKind.EXPIRE)))
    gone = book.lot(lots[0].lot_id)
    move = take_back(book.account(member_id), gone, [], a_cause(EntryKind.REVERSE))
    assert move.entry is None
    assert move.account == book.account(member_id)


class OneMember(RuleBasedStateMachine):
    """A member earns, spends, refunds and lets points expire in any order; the books always tie."""

    def __init__(self) -> None:
        super().__init__()
        self.member_id = new_id()
        self.book = Book([Account(self.member_id)])
        self.lots: list[UUID] = []
        self.granted: dict[UUID, int] = {}

    @rule(points=st.integers(1, 500), pending=st.booleans(), days=st.integers(1, 400))
    def earn(self, points: int, days: int, *, pending: bool) -> None:
        lot = a_lot(self.member_id, points, state=LotState.PENDING if pending else LotState.AVAILABLE, days=days)
        self.book.post(receive(self._account(), lot, a_cause(EntryKind.EARN)))
        self.lots.append(lot.lot_id)
        self.granted[lot.lot_id] = points

    @rule(share=st.integers(1, 100))
    def use(self, share: int) -> None:
        points = self._account().available * share // 100
        if points:
            lots = self.book.open_lots(self.member_id)
            self.book.post(spend(self._account(), lots, points, a_cause(EntryKind.ADJUST)))

    @precondition(lambda self: self.lots)
    @rule(place=st.integers(0, 1_000))
    def refund(self, place: int) -> None:
        lot = self.book.lot(self.lots.pop(place % len(self.lots)))
        others = [other for other in self.book.open_lots(self.member_id) if other.lot_id != lot.lot_id]
        before = self._account().balance
        self.book.post(take_back(self._account(), lot, others, a_cause(EntryKind.REVERSE)))
        assert before - self._account().balance == lot.granted - lot.expired

    @rule(place=st.integers(0, 1_000))
    def let_expire(self, place: int) -> None:
        lots = self.book.open_lots(self.member_id)
        if lots:
            self.book.post(expire(self._account(), lots[place % len(lots)], a_cause(EntryKind.EXPIRE)))

    @rule()
    def let_become_available(self) -> None:
        for lot in self.book.open_lots(self.member_id):
            if lot.state is LotState.PENDING:
                self.book.post(activate(self._account(), lot))

    @invariant()
    def entries_add_up_to_the_balance(self) -> None:
        assert sum(entry.points for entry in self.book.entries) == self._account().balance
        assert [entry.sequence for entry in self.book.entries] == list(range(1, len(self.book.entries) + 1))
        running = 0
        for entry in self.book.entries:
            running += entry.points
            assert entry.balance == running

    @invariant()
    def lots_add_up_to_the_account(self) -> None:
        lots = self.book.open_lots(self.member_id)
        account = self._account()
        assert account.pending == sum(lot.remaining for lot in lots if lot.state is LotState.PENDING)
        assert account.available == sum(lot.remaining for lot in lots if lot.state is LotState.AVAILABLE)

    @invariant()
    def nothing_is_negative_and_debtors_have_nothing(self) -> None:
        account = self._account()
        assert min(account.available, account.pending, account.debt) >= 0
        assert account.debt == 0 or account.available + account.pending == 0
        assert all(0 <= lot.remaining <= lot.granted for lot in self.book.changed_lots)

    @invariant()
    def uses_tell_where_the_points_of_a_lot_went(self) -> None:
        used = dict.fromkeys(self.granted, 0)
        for use in self.book.uses:
            used[use.lot_id] += use.points
        for lot in self.book.changed_lots:
            assert lot.remaining == lot.granted - used[lot.lot_id]

    def _account(self) -> Account:
        return self.book.account(self.member_id)


TestOneMember = OneMember.TestCase
TestOneMember.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=8), st.randoms())
def test_refunding_everything_ends_at_nothing_in_any_order(points: list[int], random: object) -> None:
    book, member_id, lots = a_book(*points)
    spendable = book.account(member_id).available // 2
    if spendable:
        book.post(spend(book.account(member_id), book.open_lots(member_id), spendable, a_cause(EntryKind.ADJUST)))
    random.shuffle(lots)  # type: ignore[attr-defined]  # Hypothesis's Random
    for lot in lots:
        others = [other for other in book.open_lots(member_id) if other.lot_id != lot.lot_id]
        own = book.lot(lot.lot_id)
        book.post(take_back(book.account(member_id), own, others, a_cause(EntryKind.REVERSE)))
    assert book.account(member_id) == replace(book.account(member_id), available=0, pending=0, debt=spendable)
