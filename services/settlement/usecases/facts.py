"""The facts a component's split waits for. Each use case takes hundreds of events in a handful of statements."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.settlement import events
from services.settlement.domain import journals
from services.settlement.domain.components import Fact, FactKind, Sale, check_lock, check_paid
from services.settlement.domain.journals import Journal
from services.settlement.domain.split import split
from services.settlement.repository import components, ledger, redemptions
from services.settlement.repository.components import SoldComponent
from services.settlement.usecases.books import Books
from shared.contracts import CardIssuedV1, Event, OrderPaidV1, PointsAccruedV1
from shared.database import UnitOfWork
from shared.messaging import announce


async def record_payments(uow: UnitOfWork, books: Books, payments: Sequence[OrderPaidV1], *, now: datetime) -> None:
    """Book the buyers' money in, and keep what each component cost and by which contract it is shared.

    :raises ContractLockError: an order shows a contract that was not published so.
    :raises PaidAmountError: its components do not add up to what was paid.
    :raises ProviderMissingError: money came from nobody. :raises FeeError: the fee exceeds it.
    """
    sales = [sale for payment in payments for sale in _sales(payment)]
    published = await books.contracts.find(uow, _contract_keys(sales))
    for sale in sales:
        version = published.get((sale.sku_id, sale.contract_version))
        check_lock(sale, version.sha256 if version else None)
    cash = [
        journals.cash_in(
            order_id=payment.order_id,
            currency=payment.currency,
            paid_minor=payment.paid_minor,
            fee_minor=payment.fee_minor,
            provider=payment.provider,
        )
        for payment in payments
    ]
    ready = await components.add_sales(uow, sales, now=now)
    await _share(uow, books, ready, also=cash, now=now)


async def record_issues(uow: UnitOfWork, books: Books, issues: Sequence[CardIssuedV1], *, now: datetime) -> None:
    """Book what the delivered goods cost, and keep that they are delivered."""
    costs = [
        journals.card_cost(
            component_id=issue.component_id,
            order_id=issue.order_id,
            currency=issue.currency,
            cost_minor=issue.cost_minor,
            supplier_id=issue.supplier_id,
        )
        for issue in issues
    ]
    facts = [Fact(issue.component_id, issue.order_id) for issue in issues]
    ready = await components.add_facts(uow, FactKind.ISSUED, facts, now=now)
    await _share(uow, books, ready, also=costs, now=now)


async def record_points(uow: UnitOfWork, books: Books, accruals: Sequence[PointsAccruedV1], *, now: datetime) -> None:
    """Book what the points given will cost, and keep that points have spoken."""
    costs = [
        journals.points_cost(
            component_id=accrual.component_id,
            order_id=accrual.order_id,
            currency=accrual.currency,
            cost_minor=accrual.cost_minor,
        )
        for accrual in accruals
    ]
    facts = [Fact(accrual.component_id, accrual.order_id) for accrual in accruals]
    ready = await components.add_facts(uow, FactKind.ACCRUED, facts, now=now)
    await _share(uow, books, ready, also=costs, now=now)


async def _share(
    uow: UnitOfWork, books: Books, ready: Sequence[SoldComponent], *, also: Iterable[Journal | None], now: datetime
) -> None:
    """Split the components whose last fact has come, post that and the events' own journals, and say so."""
    published = await books.contracts.find(uow, _contract_keys(component.sale for component in ready))
    redeemed = await _redeemed_before(uow, ready)
    written = [journal for journal in also if journal is not None]
    said: list[Event] = []
    for sale, _ in ready:
        version = published.get((sale.sku_id, sale.contract_version))
        legs = split(sale.amount_minor, version.contract if version else None)
        journal = journals.split_postings(sale, legs)
        written.append(journal)
        said.append(events.split(sale, journal_id=journal.journal_id, legs=legs))
        for ordinal, redemption_id in enumerate(redeemed.get(sale.component_id, ()), start=1):
            earned = journals.redemption(sale, legs, redemption_id=redemption_id, ordinal=ordinal)
            written.extend((earned,) if earned else ())
    await ledger.post(uow, books.accounts, written, now=now)
    announce(uow, *said, now=now)


async def _redeemed_before(uow: UnitOfWork, ready: Sequence[SoldComponent]) -> dict[UUID, list[UUID]]:
    """The redemptions that count already when these components are split."""
    early = [component.sale.component_id for component in ready if component.redeemed_units]
    return await redemptions.find_counting(uow, early) if early else {}


def _contract_keys(sales: Iterable[Sale]) -> set[tuple[UUID, int]]:
    return {(sale.sku_id, sale.contract_version) for sale in sales if sale.contract_version}


def _sales(payment: OrderPaidV1) -> list[Sale]:
    check_paid(
        payment.order_id,
        paid_minor=payment.paid_minor,
        parts_minor=[component.amount_minor for component in payment.components],
    )
    return [
        Sale(
            component_id=component.component_id,
            order_id=payment.order_id,
            sku_id=component.sku_id,
            units=component.quantity,
            amount_minor=component.amount_minor,
            currency=payment.currency,
            contract_version=component.contract_version,
            contract_hash=component.contract_hash,
        )
        for component in payment.components
    ]
