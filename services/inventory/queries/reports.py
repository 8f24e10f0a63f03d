"""Reports of bad cards."""

from uuid import UUID

from services.inventory.domain.reports import ReportState
from services.inventory.queries.pages import after, page
from services.inventory.schemas import ReportOut
from shared.database import UnitOfWork
from shared.http import Page

_REPORTS = """
SELECT report_id, entitlement_id, sku_id, batch_id, fault, state, cost_minor, new_cost_minor, uses_dropped, reported_by,
       reported_at, decided_by, decided_at
FROM card_reports
WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR batch_id = $2) AND ($3::uuid IS NULL OR report_id < $3)
ORDER BY report_id DESC LIMIT $4
"""


async def list_reports(
    read: UnitOfWork, *, state: ReportState | None, batch_id: UUID | None, cursor: str | None, limit: int
) -> Page[ReportOut]:
    """Reports in this state, about cards of this batch, the newest first."""
    rows = await read.raw.fetch(_REPORTS, state and state.value, batch_id, after(cursor), limit + 1)
    return page([ReportOut(**row) for row in rows], limit=limit, key=lambda report: report.report_id)
