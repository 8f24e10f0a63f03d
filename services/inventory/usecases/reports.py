"""Report a bad card, and replace it by another of the same SKU."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementUnknownError
from services.inventory.domain.owners import Owner
from services.inventory.domain.reports import (
    REPORTS_PERIOD,
    Fault,
    Report,
    ReportDecidedError,
    ReportState,
    ReportUnknownError,
    check_report,
    replaced_by_rule,
)
from services.inventory.domain.stock import StockInsufficientError
from services.inventory.repository import cards, reports, restocking, stock
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

log = get_logger(__name__)

BY_RULE = "rule:redeemable_here"
"""Who decided, where no person did."""

_DECIDED = Counter("card_reports_decided_total", "Reports of bad cards that were decided", ["state"])


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was taken, with where it stands."""

    report_id: UUID
    state: ReportState


async def report_card(
    uow: UnitOfWork, entitlement_id: UUID, fault: Fault, *, owner: Owner, reported_by: str, now: datetime
) -> Reported:
    """Take down that a card does not work. Where no person is needed and the shelf has another, it is replaced at once.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises ReportNotAllowedError: this cannot be reported (any more).
    :raises TooManyReportsError: the owner reported too many lately.
    """
    facts = await reports.lock_facts(uow, entitlement_id, reported_by=reported_by, counted_from=now - REPORTS_PERIOD)
    if facts is None or not owner.owns(member_id=facts.member_id, order_id=facts.order_id, given=facts.given):
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    check_report(facts, now=now)
    if facts.card_id is None or facts.batch_id is None:
        raise EntitlementUnknownError(f"the card of {entitlement_id} is not known")
    report = Report(
        report_id=new_id(),
        entitlement_id=entitlement_id,
        card_id=facts.card_id,
        batch_id=facts.batch_id,
        sku_id=facts.sku_id,
        cost_minor=facts.cost_minor,
        fault=fault,
        reported_by=reported_by,
        reported_at=now,
    )
    await reports.add_report(uow, report)
    log.info("card.reported", report_id=report.report_id, batch_id=report.batch_id, fault=fault.value)
    if replaced_by_rule(facts):
        try:
            await approve_report(uow, report.report_id, decided_by=BY_RULE, now=now)
        except StockInsufficientError:
            log.warning("report.waits_for_stock", report_id=report.report_id, sku_id=report.sku_id)
        else:
            return Reported(report.report_id, ReportState.REPLACED)
    return Reported(report.report_id, ReportState.OPEN)


async def approve_report(uow: UnitOfWork, report_id: UUID, *, decided_by: str, now: datetime) -> None:
    """Replace the card by the oldest free one of the same SKU. What is unsold of a bad card with several uses is gone.

    :raises ReportUnknownError: there is no such report.
    :raises ReportDecidedError: it was decided before, or its entitlement was used or taken back meanwhile.
    :raises StockInsufficientError: no card is free; the report stays open.
    """
    entitlement_id = await reports.lock_reported(uow, report_id)
    if entitlement_id is None:
        raise ReportUnknownError(f"there is no report {report_id}")
    reported = await reports.lock_open_report(uow, report_id)
    if reported is None:
        raise ReportDecidedError("the report was decided, or what it is about was used or taken back")
    sku_id, card_id = reported
    free = (await stock.lock_stock(uow, [sku_id])).get(sku_id, 0)
    unsold = await restocking.take_uses(uow, sku_id, card_id)
    can_be_had = free is None or free > len(unsold)
    claimed = await cards.claim_cards(uow, {sku_id: 1}, now=now, wait=True) if can_be_had else []
    if not claimed:
        await cards.put_back(uow, unsold)
        raise StockInsufficientError(sku_id=sku_id, available=0)
    await reports.exchange_card(
        uow,
        report_id,
        entitlement_id=entitlement_id,
        card=claimed[0],
        uses_dropped=len(unsold) + await restocking.drop_frozen_uses(uow, card_id),
        decided_by=decided_by,
        now=now,
    )
    stock.stock_moves(uow).put_on(sku_id, -1 - len(unsold))
    log.info("card.replaced", report_id=report_id, decided_by=decided_by)
    uow.after_commit(lambda: _DECIDED.labels(ReportState.REPLACED.value).inc())


async def exchange_for_ticket(
    uow: UnitOfWork,
    entitlement_id: UUID,
    fault: Fault,
    *,
    owner: Owner,
    reported_by: str,
    approved_by: str | None,
    now: datetime,
) -> ReportState:
    """Report a card for its owner, who asked in after-sale, and exchange it where the rule or a person approves.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises ReportNotAllowedError: this cannot be reported (any more).
    :raises TooManyReportsError: the owner reported too many lately.
    :raises ReportDecidedError: what it is about was used or taken back meanwhile.
    :raises StockInsufficientError: a person approved, and no card is free.
    """
    facts = await reports.lock_facts(uow, entitlement_id, reported_by=reported_by, counted_from=now - REPORTS_PERIOD)
    if facts is None or not owner.owns(member_id=facts.member_id, order_id=facts.order_id, given=facts.given):
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    report_id = await reports.find_open(uow, entitlement_id) if approved_by else None
    if report_id is None:
        reported = await report_card(uow, entitlement_id, fault, owner=owner, reported_by=reported_by, now=now)
        if reported.state is not ReportState.OPEN or approved_by is None:
            return reported.state
        report_id = reported.report_id
    await approve_report(uow, report_id, decided_by=approved_by or BY_RULE, now=now)
    return ReportState.REPLACED


async def refuse_report(uow: UnitOfWork, report_id: UUID, *, decided_by: str, now: datetime) -> None:
    """Leave the card as it is.

    :raises ReportUnknownError: there is no such report.
    :raises ReportDecidedError: it was decided before.
    """
    if await reports.lock_reported(uow, report_id) is None:
        raise ReportUnknownError(f"there is no report {report_id}")
    if not await reports.refuse(uow, report_id, decided_by=decided_by, now=now):
        raise ReportDecidedError("the report was decided before")
    uow.after_commit(lambda: _DECIDED.labels(ReportState.REFUSED.value).inc())
