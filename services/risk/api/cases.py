"""The review queue."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.risk import queries, usecases
from services.risk.api.callers import RiskOperator
from services.risk.domain.cases import Case, CaseNotFoundError, CaseState, Verdict
from services.risk.schemas import CaseDetailOut, CaseOut, VerdictIn
from shared.clock import utc_now
from shared.database import UnitOfWork
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, IdempotentCall, Identity, Page, PageSize, Reading, Work

routes = APIRouter(prefix="/v1/ops/risk/cases")


@routes.get("")
async def list_cases(
    _: RiskOperator,
    work: Reading,
    state: Annotated[CaseState, Query()] = CaseState.OPEN,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[CaseOut]:
    """Open cases first come first served; decided ones the newest first."""
    return await queries.list_cases(work, state=state, cursor=cursor, limit=limit, now=utc_now())


@routes.get("/{case_id}")
async def read_case(case_id: UUID, _: RiskOperator, work: Reading) -> CaseDetailOut:
    """A case with its decision, the member's latest ones and the trail."""
    case = await queries.case_detail(work, case_id, now=utc_now())
    if case is None:
        raise CaseNotFoundError(f"no case {case_id}")
    return case


@routes.post("/{case_id}/release", response_model=CaseOut)
async def release(case_id: UUID, body: VerdictIn, caller: RiskOperator, work: Work, call: Idempotent) -> Response:
    """Let the order be issued."""
    return await _decide(work, case_id, Verdict.RELEASE, caller=caller, note=body.note, call=call)


@routes.post("/{case_id}/deny", response_model=CaseOut)
async def deny(case_id: UUID, body: VerdictIn, caller: RiskOperator, work: Work, call: Idempotent) -> Response:
    """Have the order refunded."""
    return await _decide(work, case_id, Verdict.DENY, caller=caller, note=body.note, call=call)


async def _decide(
    work: UnitOfWork, case_id: UUID, verdict: Verdict, *, caller: Identity, note: str, call: IdempotentCall
) -> Response:
    if stored := await call.once(work):
        return stored.response()
    case = await usecases.decide_case(work, case_id, verdict, operator=caller.subject, note=note, now=utc_now())
    return await call.keep(work, status=200, body=_shown(case).model_dump_json().encode())


def _shown(case: Case) -> CaseOut:
    """A decided case is not overdue, however late it was."""
    return CaseOut(
        case_id=case.case_id,
        order_id=case.order_id,
        member_id=case.member_id,
        decision_id=case.decision_id,
        reasons=list(case.reasons),
        amount_minor=case.amount_minor,
        currency=case.currency,
        state=case.state,
        opened_at=case.opened_at,
        due_at=case.due_at,
        overdue=False,
        decided_at=case.decided_at,
        decided_by=case.decided_by,
        note=case.note,
    )
