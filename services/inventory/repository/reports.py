"""Reports of bad cards, and the exchange of an entitlement's card."""

from datetime import datetime
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.issuing import ClaimedCard
from services.inventory.domain.reports import Report, ReportFacts
from shared.database import UnitOfWork

_LOCK_UNIT = "SELECT FROM entitlements WHERE entitlement_id = $1 FOR UPDATE"

# One owner's reports are counted one after the other, or many at once would each find room.
_LOCK_REPORTER = "SELECT pg_advisory_xact_lock(hashtextextended('inventory.report|' || $1, 0))"

_FACTS = """
SELECT unit.entitlement_id, unit.order_id, unit.member_id, unit.given_at IS NOT NULL AS given, unit.sku_id, unit.card_id, card.batch_id, unit.cost_minor, unit.state,
       unit.first_revealed_at, sku.redeemable_here,
       EXISTS (SELECT FROM card_reports given WHERE given.card_id = unit.card_id AND given.entitlement_id = unit.entitlement_id)
           AS card_reported,
       (SELECT count(*)::int FROM card_reports WHERE reported_by = $2 AND reported_at > $3) AS reports
FROM entitlements unit JOIN skus sku ON sku.sku_id = unit.sku_id LEFT JOIN cards card ON card.card_id = unit.card_id
WHERE unit.entitlement_id = $1
"""

_ADD = """
INSERT INTO card_reports (report_id, entitlement_id, card_id, batch_id, sku_id, cost_minor, fault, reported_by, reported_at,
                          state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open')
"""

_ENTITLEMENT_OF = "SELECT entitlement_id FROM card_reports WHERE report_id = $1"

_LOCK_OPEN = """
SELECT report.sku_id, report.card_id FROM card_reports report JOIN entitlements unit ON unit.entitlement_id = report.entitlement_id
WHERE report.report_id = $1 AND report.state = 'open' AND unit.state = 'active' AND unit.card_id = report.card_id
FOR UPDATE OF report
"""

_OPEN_OF = "SELECT report_id FROM card_reports WHERE entitlement_id = $1 AND state = 'open'"

_REFUSE = """
UPDATE card_reports SET state = 'refused', decided_by = $2, decided_at = $3 WHERE report_id = $1 AND state = 'open'
RETURNING report_id
"""

_REPLACED = """
UPDATE card_reports SET state = 'replaced', decided_by = $2, decided_at = $3, new_card_id = $4, new_cost_minor = $5,
       uses_dropped = $6
WHERE report_id = $1
"""

# The count of reveals stays: a code of this entitlement was seen, so that a refund never lays its card on the shelf.
_EXCHANGE = """
UPDATE entitlements SET card_id = $2, masked = $3, expires_at = $4, cost_minor = $5, use_no = $6, reminded_at = NULL
WHERE entitlement_id = $1
"""


async def lock_facts(
    uow: UnitOfWork, entitlement_id: UUID, *, reported_by: str, counted_from: datetime
) -> ReportFacts | None:
    """The entitlement, locked, with its owner's reports since then. Its state is read after the lock."""
    await uow.raw.execute(_LOCK_REPORTER, reported_by)
    await uow.raw.execute(_LOCK_UNIT, entitlement_id)
    row = await uow.raw.fetchrow(_FACTS, entitlement_id, reported_by, counted_from)
    return None if row is None else ReportFacts(**{**row, "state": EntitlementState(row["state"])})


async def add_report(uow: UnitOfWork, report: Report) -> None:
    """:raises asyncpg.UniqueViolationError: its owner reported the card before (`uq_card_reports_card_id_entitlement_id`)."""
    await uow.raw.execute(
        _ADD,
        report.report_id,
        report.entitlement_id,
        report.card_id,
        report.batch_id,
        report.sku_id,
        report.cost_minor,
        report.fault.value,
        report.reported_by,
        report.reported_at,
    )


async def lock_reported(uow: UnitOfWork, report_id: UUID) -> UUID | None:
    """The reported entitlement, locked; None: there is no such report."""
    entitlement_id: UUID | None = await uow.raw.fetchval(_ENTITLEMENT_OF, report_id)
    if entitlement_id is not None:
        await uow.raw.execute(_LOCK_UNIT, entitlement_id)
    return entitlement_id


async def lock_open_report(uow: UnitOfWork, report_id: UUID) -> tuple[UUID, UUID] | None:
    """SKU and card of a report that is open and whose entitlement can still be used; ask with the entitlement locked."""
    row = await uow.raw.fetchrow(_LOCK_OPEN, report_id)
    return None if row is None else (row["sku_id"], row["card_id"])


async def find_open(uow: UnitOfWork, entitlement_id: UUID) -> UUID | None:
    """The report about this entitlement that waits for a word."""
    report_id: UUID | None = await uow.raw.fetchval(_OPEN_OF, entitlement_id)
    return report_id


async def refuse(uow: UnitOfWork, report_id: UUID, *, decided_by: str, now: datetime) -> bool:
    """Close an open report; False: it is not open."""
    return await uow.raw.fetchval(_REFUSE, report_id, decided_by, now) is not None


async def exchange_card(
    uow: UnitOfWork,
    report_id: UUID,
    *,
    entitlement_id: UUID,
    card: ClaimedCard,
    uses_dropped: int,
    decided_by: str,
    now: datetime,
) -> None:
    """Give the entitlement another card. The old one is never on the shelf again; so many unsold uses of it are gone."""
    await uow.raw.execute(
        _EXCHANGE, entitlement_id, card.card_id, card.masked, card.expires_at, card.cost_minor, card.use_no
    )
    await uow.raw.execute(_REPLACED, report_id, decided_by, now, card.card_id, card.cost_minor, uses_dropped)
