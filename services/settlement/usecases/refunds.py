"""The way back: cards, shares and points of refunded components, and the buyers' money."""

from collections.abc import Sequence
from datetime import datetime

from services.settlement import events
from services.settlement.domain import journals
from services.settlement.domain.journals import Journal, JournalKind, leg_of
from services.settlement.repository import components, ledger
from services.settlement.repository.components import Reversal
from services.settlement.usecases.books import Books
from shared.contracts import CardRevokedV1, Event, OrderRefundedV1, PointsReversedV1
from shared.database import UnitOfWork
from shared.messaging import announce


async def return_cards(uow: UnitOfWork, books: Books, revoked: Sequence[CardRevokedV1], *, now: datetime) -> None:
    """Take back the cost of the cards that are on the shelf again: it is booked anew when they are sold anew."""
    costs = [
        journals.card_cost_back(
            component_id=event.component_id,
            order_id=event.order_id,
            currency=event.restocked.currency,
            cost_minor=event.restocked.cost_minor,
        )
        for event in revoked
        if event.restocked is not None
    ]
    await ledger.post(uow, books.accounts, [journal for journal in costs if journal is not None], now=now)


async def reverse_shares(
    uow: UnitOfWork, books: Books, reversals: Sequence[PointsReversedV1], *, now: datetime
) -> None:
    """Take back exactly what was posted for each component's shares, and the cost of its points.

    A component that was never split is from now on never split. Every refund that asks gets an answer; a component
    that was taken back before has no legs left to give.
    """
    asked = [Reversal(reversal.component_id, reversal.order_id, reversal.refund_id) for reversal in reversals]
    taken_back = await components.add_reversals(uow, asked, now=now)
    split_before = [component_id for component_id, was_split in taken_back.items() if was_split]
    posted = await ledger.posted_shares(uow, split_before) if split_before else {}
    written: list[Journal | None] = []
    said: list[Event] = []
    for reversal in reversals:
        shares = posted.pop(reversal.component_id, [])
        back = journals.split_back(
            component_id=reversal.component_id, order_id=reversal.order_id, currency=reversal.currency, posted=shares
        )
        points = journals.points_back(
            component_id=reversal.component_id,
            order_id=reversal.order_id,
            currency=reversal.currency,
            cost_minor=reversal.cost_minor,
        )
        written += (back, points)
        legs = [leg_of(share.posting) for share in shares if share.kind is JournalKind.SPLIT]
        said.append(events.reversed_shares(reversal, journal_id=back.journal_id if back else None, legs=legs))
    await ledger.post(uow, books.accounts, [journal for journal in written if journal is not None], now=now)
    announce(uow, *said, now=now)


async def record_refunds(uow: UnitOfWork, books: Books, refunds: Sequence[OrderRefundedV1], *, now: datetime) -> None:
    """Book the money that providers gave back to buyers.

    :raises ProviderMissingError: money went back through nobody.
    """
    cash = [
        journals.cash_out(
            refund_id=refund.refund_id,
            order_id=refund.order_id,
            currency=refund.currency,
            amount_minor=refund.amount_minor,
            provider=refund.provider,
        )
        for refund in refunds
    ]
    await ledger.post(uow, books.accounts, [journal for journal in cash if journal is not None], now=now)
