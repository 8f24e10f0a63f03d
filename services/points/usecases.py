"""What the points service does: accrue, reverse, make available, expire, correct, and change the rule."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.points import events, repository
from services.points.domain.book import Book
from services.points.domain.earning import (
    Accrual,
    Delivery,
    Earned,
    Reversal,
    Revocation,
    Rule,
    RuleProposal,
    Terms,
    earn,
    give,
    rule_at,
)
from services.points.domain.ledger import (
    Cause,
    Entry,
    EntryKind,
    Lot,
    LotState,
    activate,
    expire,
    receive,
    spend,
    take_back,
)
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.money import CNY


async def accrue(uow: UnitOfWork, deliveries: Sequence[Delivery], *, terms: Terms, now: datetime) -> None:
    """Answer every delivered component once: with its points, with 0 for guests, free or revoked ones."""
    rules = await repository.load_rules(uow)
    accruals = {
        delivery.component_id: earn(
            delivery, rule=rule_at(rules, delivery.issued_at), terms=terms, lot_id=new_id(), now=now
        )
        for delivery in deliveries
    }
    claimed = await repository.claim_accruals(uow, list(accruals.values()), now=now)
    answers = [
        accrual.without_points() if claimed[component_id] else accrual
        for component_id, accrual in accruals.items()
        if component_id in claimed
    ]
    await _receive_all(uow, [answer for answer in answers if answer.lot], now=now)
    announce(uow, *(events.accrued(answer) for answer in answers), now=now)


async def reverse(uow: UnitOfWork, revocations: Sequence[Revocation], *, now: datetime) -> None:
    """Answer every revoked component once per refund: exactly what it had earned goes back, or 0 is said."""
    asked = {(revocation.component_id, revocation.refund_id): revocation for revocation in revocations}
    unanswered = await repository.claim_answers(uow, list(asked.values()), now=now)
    fresh = [revocation for pair, revocation in asked.items() if pair in unanswered]
    first = {revocation.component_id: revocation for revocation in reversed(fresh)}
    earned = await repository.revoke_accruals(uow, list(first.values()), now=now)
    taken = await _take_back_all(uow, [(first[component_id], what) for component_id, what in earned.items()], now=now)
    answers = [
        taken[revocation.component_id]
        if first[revocation.component_id] is revocation and revocation.component_id in taken
        else Reversal(revocation, points=0, debt_points=0, cost_minor=0, currency=CNY)
        for revocation in fresh
    ]
    announce(uow, *(events.reversed_(answer) for answer in answers), now=now)


async def activate_due(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Make points available whose waiting time is over.

    :returns: how many lots were found due; `limit` of them means that there may be more.
    """
    due = await repository.lots_to_activate(uow, now=now, limit=limit)
    book = await _open_book(uow, due)
    for lot in _as_locked(book, due):
        if lot.state is LotState.PENDING:
            book.post(activate(book.account(lot.member_id), lot))
    await repository.write_book(uow, book, now=now)
    return len(due)


async def expire_due(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Take away what is left of lots whose last day has passed.

    :returns: how many lots were found due; `limit` of them means that there may be more.
    """
    due = await repository.lots_to_expire(uow, now=now, limit=limit)
    book = await _open_book(uow, due)
    for lot in _as_locked(book, due):
        if lot.remaining:
            cause = Cause(entry_id=new_id(), kind=EntryKind.EXPIRE, occurred_at=lot.expires_at)
            book.post(expire(book.account(lot.member_id), lot, cause))
    await repository.write_book(uow, book, now=now)
    return len(due)


async def adjust(
    uow: UnitOfWork, *, member_id: UUID, points: int, reason: str, operator: str, terms: Terms, now: datetime
) -> Entry:
    """An operator gives points (available at once) or takes available ones, and says why.

    :raises InsufficientPointsError: more are to be taken than are available.
    """
    (account,) = await repository.lock_accounts(uow, [member_id])
    cause = Cause(entry_id=new_id(), kind=EntryKind.ADJUST, occurred_at=now, reason=reason, operator=operator)
    if points > 0:
        rule = rule_at(await repository.load_rules(uow), now)
        lot = give(member_id, points, rule=rule, terms=terms, lot_id=new_id(), now=now)
        book = Book([account])
        book.post(receive(account, lot, cause))
    else:
        lots = await repository.open_lots(uow, [member_id])
        book = Book([account], lots)
        book.post(spend(account, lots, -points, cause))
    await repository.write_book(uow, book, now=now)
    return book.entries[0]


async def change_rule(uow: UnitOfWork, *, proposal: RuleProposal, operator: str, now: datetime) -> Rule:
    """Put a new version of the rule in force, from its moment on; entries keep the version they were made by.

    :raises RuleInThePastError: it would reach back over points that have been earned already.
    """
    await repository.lock_rules(uow)
    rule = proposal.following(await repository.load_rules(uow), now=now)
    await repository.add_rule(uow, rule, created_by=operator, now=now)
    return rule


async def measure(uow: UnitOfWork, *, now: datetime) -> None:
    """Add up what all members have, for the dashboard: too dear to be done for each who looks."""
    await repository.write_figures(uow, now=now)


async def _receive_all(uow: UnitOfWork, accruals: Sequence[Accrual], *, now: datetime) -> None:
    lots = [accrual.lot for accrual in accruals if accrual.lot]
    book = Book(await repository.lock_accounts(uow, [lot.member_id for lot in lots]))
    for accrual, lot in zip(accruals, lots, strict=True):
        book.post(receive(book.account(lot.member_id), lot, accrual.cause(new_id())))
    await repository.write_book(uow, book, now=now)


async def _take_back_all(
    uow: UnitOfWork, revoked: Sequence[tuple[Revocation, Earned]], *, now: datetime
) -> dict[UUID, Reversal]:
    lot_ids = [earned.lot_id for _, earned in revoked if earned.lot_id]
    book = await _open_book(uow, await repository.lots_by_id(uow, lot_ids))
    own = [book.lot(lot_id) for lot_id in lot_ids]
    short = {lot.member_id for lot in own if lot.is_used}
    book.add_lots(await repository.open_lots(uow, short) if short else ())
    answers = {}
    for revocation, earned in revoked:
        debt_points = _take_back(book, revocation, earned.lot_id, now=now) if earned.lot_id else 0
        answers[revocation.component_id] = Reversal(
            revocation, earned.points, debt_points, earned.cost_minor, earned.currency
        )
    await repository.write_book(uow, book, now=now)
    return answers


def _take_back(book: Book, revocation: Revocation, lot_id: UUID, *, now: datetime) -> int:
    """:returns: how many of the points the member owes from now on."""
    lot = book.lot(lot_id)
    others = [other for other in book.open_lots(lot.member_id) if other.lot_id != lot_id]
    before = book.account(lot.member_id)
    book.post(take_back(before, lot, others, revocation.cause(new_id(), occurred_at=now)))
    return book.account(lot.member_id).debt - before.debt


async def _open_book(uow: UnitOfWork, lots: Sequence[Lot]) -> Book:
    """Lock the accounts of these lots, then read the lots again as they stand under the lock."""
    if not lots:
        return Book(())
    accounts = await repository.lock_accounts(uow, [lot.member_id for lot in lots])
    return Book(accounts, await repository.lots_by_id(uow, [lot.lot_id for lot in lots]))


def _as_locked(book: Book, lots: Sequence[Lot]) -> list[Lot]:
    return [book.lot(lot.lot_id) for lot in lots]
