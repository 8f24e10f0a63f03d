"""The question that other services ask while a buyer waits, and figures about the answers."""

from collections.abc import Sequence
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.risk import queries, usecases
from services.risk.domain.decisions import Decision, Outcome
from services.risk.schemas import DecisionIn, DecisionOut, FiguresOut, LateQuestionIn
from services.risk.usecases import Desk
from shared.clock import utc_now
from shared.database import Coalescer, Database
from shared.http import Reading, ServiceCaller, Work

_DOCUMENTED_BODY: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": DecisionIn.model_json_schema()}}}
}


class Recorder:
    """Writes answers that must be durable before they are given; those that come together share a transaction."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk
        self._coalescer: Coalescer[Decision, None] = Coalescer(self._write)

    async def write(self, decision: Decision) -> None:
        """Return once it is durable.

        :raises TransientDatabaseError: it is not; asked again, the question is decided anew.
        """
        try:
            await self._coalescer.submit(decision)
        except BaseException:
            self._desk.engine.forget(decision)
            raise

    async def _write(self, decisions: Sequence[Decision]) -> Sequence[None]:
        async with self._database.begin() as uow:
            await usecases.record(uow, decisions, writer=self._desk.writer, now=utc_now())
        return [None] * len(decisions)


def router(desk: Desk, recorder: Recorder) -> APIRouter:
    """The hot path reads its body by itself: what FastAPI adds for it costs more than the decision."""
    routes = APIRouter()

    @routes.post("/internal/decisions", response_model=DecisionOut, openapi_extra=_DOCUMENTED_BODY)
    async def decide(request: Request) -> Response:
        """Answer a checkout or a reveal. All but `allow` is written down before it is answered."""
        question = _read(await request.body()).question()
        known = desk.engine.known(question)
        decision = known or desk.decide(question, now=utc_now())
        if known is None:
            await _keep(desk, recorder, decision)
        return Response(_answer(decision), media_type="application/json")

    @routes.post("/internal/decisions/late")
    async def decide_late(body: LateQuestionIn, _: ServiceCaller, work: Work) -> DecisionOut:
        """Answer a checkout that we did not answer in time. Whatever the answer, it is written down before it is given."""
        answer = await usecases.judge_late(work, desk, body.question(), body.order_id, now=utc_now())
        return DecisionOut(decision_id=answer.decision_id, decision=answer.outcome, reasons=list(answer.reasons))

    @routes.get("/internal/figures")
    async def figures(_: ServiceCaller, work: Reading) -> FiguresOut:
        """For the dashboard."""
        now = utc_now()
        cases = await queries.case_counts(work, now=now)
        return FiguresOut(
            decisions_last_minute={str(outcome): count for outcome, count in desk.last_minute(now).items()},
            decision_us={"p50": desk.latency_us(0.5), "p99": desk.latency_us(0.99)},
            journal_pending=desk.pending,
            keys_held=desk.engine.counters.keys_held(),
            list_entries=len(desk.engine.lists),
            rules_version=desk.engine.rules_version,
            open_cases=cases.open,
            overdue_cases=cases.overdue,
            oldest_open_case_at=cases.oldest_at,
        )

    return routes


def _read(body: bytes) -> DecisionIn:
    """:raises RequestValidationError: as FastAPI would have, so that the problem looks the same."""
    try:
        return DecisionIn.model_validate_json(body)
    except ValidationError as error:
        errors = [{**detail, "loc": ("body", *detail["loc"])} for detail in error.errors()]
        raise RequestValidationError(errors) from None


async def _keep(desk: Desk, recorder: Recorder, decision: Decision) -> None:
    if decision.outcome is Outcome.ALLOW:
        desk.defer(decision)
    else:
        await recorder.write(decision)


def _answer(decision: Decision) -> bytes:
    return orjson.dumps(
        {"decision_id": decision.decision_id, "decision": decision.outcome, "reasons": decision.reasons}
    )
