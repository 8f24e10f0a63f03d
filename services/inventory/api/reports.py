"""Owners report cards that do not work, operators decide."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.callers import SupportOperator
from services.inventory.api.owners import owner_of
from services.inventory.domain.reports import ReportState
from services.inventory.queries import reports as queries
from services.inventory.schemas import ReportedOut, ReportIn, ReportOut
from services.inventory.usecases.reports import approve_report, refuse_report, report_card
from shared.clock import utc_now
from shared.http import DEFAULT_PAGE, BuyerOrGuestCaller, Cursor, Idempotent, Page, PageSize, Reading, Work

routes = APIRouter(tags=["reports"])


@routes.post("/v1/wallet/entitlements/{entitlement_id}/report", status_code=201, response_model=ReportedOut)
async def report(
    entitlement_id: UUID, body: ReportIn, caller: BuyerOrGuestCaller, work: Work, call: Idempotent
) -> Response:
    """Say that a code does not work, within seven days after it was first seen. Some are replaced at once."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    reported = await report_card(
        work, entitlement_id, body.fault, owner=owner_of(caller), reported_by=caller.caller, now=utc_now()
    )
    answer = ReportedOut(report_id=reported.report_id, state=reported.state)
    return await call.keep(work, status=201, body=answer.model_dump_json().encode())


@routes.get("/v1/ops/entitlements/reports")
async def list_reports(
    _: SupportOperator,
    read: Reading,
    state: ReportState | None = None,
    batch_id: UUID | None = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[ReportOut]:
    """Cards that are said to be bad, the newest first; of a batch, what can be charged back to it."""
    return await queries.list_reports(read, state=state, batch_id=batch_id, cursor=cursor, limit=limit)


@routes.post("/v1/ops/entitlements/reports/{report_id}/approve", status_code=204)
async def approve(report_id: UUID, caller: SupportOperator, work: Work, call: Idempotent) -> Response:
    """Replace the card by a fresh one of the same SKU. The old one is void."""
    stored = await call.once(work)
    if stored is None:
        await approve_report(work, report_id, decided_by=caller.caller, now=utc_now())
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)


@routes.post("/v1/ops/entitlements/reports/{report_id}/refuse", status_code=204)
async def refuse(report_id: UUID, caller: SupportOperator, work: Work, call: Idempotent) -> Response:
    """Leave the card as it is."""
    stored = await call.once(work)
    if stored is None:
        await refuse_report(work, report_id, decided_by=caller.caller, now=utc_now())
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)
