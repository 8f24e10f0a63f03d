"""Looking back: what was answered and why, and who changed what."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from services.risk import queries
from services.risk.api.callers import RiskOperator
from services.risk.domain.decisions import Kind, Outcome
from services.risk.schemas import AuditOut, DecisionRecordOut
from shared.clock import utc_now
from shared.http import DEFAULT_PAGE, Cursor, Page, PageSize, Reading

routes = APIRouter(prefix="/v1/ops/risk")


@routes.get("/decisions")
async def search_decisions(  # FastAPI calls it by name
    _: RiskOperator,
    work: Reading,
    member_id: UUID | None = None,
    order_id: UUID | None = None,
    ip: Annotated[str | None, Query(max_length=45)] = None,
    device: Annotated[str | None, Query(max_length=200)] = None,
    decision: Outcome | None = None,
    kind: Kind | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[DecisionRecordOut]:
    """Answers with their inputs and what spoke, the newest first; one day back unless more is asked for."""
    search = queries.DecisionSearch(
        member_id=member_id,
        order_id=order_id,
        ip=ip,
        device=device,
        outcome=decision,
        kind=kind,
        since=since,
        until=until,
    )
    return await queries.search_decisions(work, search, cursor=cursor, limit=limit, now=utc_now())


@routes.get("/audit")
async def list_audit(
    _: RiskOperator,
    work: Reading,
    subject: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[AuditOut]:
    """Who decided a case, changed a list or the rules, and why."""
    return await queries.list_audit(work, subject=subject, cursor=cursor, limit=limit)
