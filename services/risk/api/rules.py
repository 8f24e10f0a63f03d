"""Velocity rules, read and replaced as a whole."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.risk import queries, usecases
from services.risk.api.callers import RiskOperator
from services.risk.schemas import RulesIn, RulesOut
from shared.clock import utc_now
from shared.http import Idempotent, Problem, Reading, Work

routes = APIRouter(prefix="/v1/ops/risk/rules")


@routes.get("")
async def read_rules(_: RiskOperator, work: Reading, version: Annotated[int | None, Query(ge=1)] = None) -> RulesOut:
    """The rules in force, or an older version of them."""
    found = await queries.rules(work, version=version)
    if found is None:
        raise Problem(404, "rules.not_found", "There is no such version")
    return found


@routes.put("", response_model=RulesOut)
async def replace_rules(body: RulesIn, caller: RiskOperator, work: Work, call: Idempotent) -> Response:
    """Put a new set in force. Every process goes over to it within a second, without forgetting what it counted."""
    if stored := await call.once(work):
        return stored.response()
    now = utc_now()
    rule_set = await usecases.replace_rules(
        work,
        [rule.rule() for rule in body.rules],
        expected_version=body.version,
        note=body.note,
        operator=caller.subject,
        now=now,
    )
    answer = RulesOut(
        version=rule_set.version, rules=body.rules, note=body.note, created_at=now, created_by=caller.subject
    )
    return await call.keep(work, status=200, body=answer.model_dump_json().encode())
