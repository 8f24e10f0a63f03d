"""The points service over HTTP: what a member has and why, what operators set, what the dashboard shows."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from services.points import queries, usecases
from services.points.domain.earning import (
    RuleInThePastError,
    RuleNotEffectiveError,
    RuleProposal,
    Terms,
)
from services.points.domain.ledger import InsufficientPointsError
from services.points.schemas import (
    AccountOut,
    AdjustmentIn,
    AdjustmentOut,
    EntryPage,
    FiguresOut,
    RuleIn,
    RuleOut,
    RulesOut,
)
from shared.clock import utc_now
from shared.http import (
    DEFAULT_PAGE,
    BuyerCaller,
    Cursor,
    Idempotent,
    Identity,
    PageSize,
    ProblemSpec,
    Reading,
    Role,
    ServiceCaller,
    Work,
    require,
)

PROBLEMS: Final = {
    InsufficientPointsError: ProblemSpec(409, "points.insufficient", "Not enough points"),
    RuleInThePastError: ProblemSpec(409, "rule.in_the_past", "A rule cannot begin in the past"),
    RuleNotEffectiveError: ProblemSpec(409, "rule.none", "No rule is in force"),
}

PointsOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="points"))]
FinanceOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="finance"))]
"""Who changes the rule changes what every purchase costs us."""


def router(terms: Terms) -> APIRouter:
    """All paths of the service."""
    routes = APIRouter()
    routes.include_router(_own())
    routes.include_router(_operators(terms))
    return routes


def _own() -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/points/account")
    async def read_account(caller: BuyerCaller, work: Reading) -> AccountOut:
        assert caller.member_id is not None  # noqa: S101  # a buyer has one
        return await queries.account(work, member_id=caller.member_id, now=utc_now())

    @routes.get("/v1/points/entries")
    async def list_entries(
        caller: BuyerCaller, work: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> EntryPage:
        assert caller.member_id is not None  # noqa: S101  # a buyer has one
        return await queries.entries(work, member_id=caller.member_id, cursor=cursor, limit=limit)

    return routes


def _operators(terms: Terms) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/ops/points/rules")
    async def list_rules(_: PointsOperator, work: Reading) -> RulesOut:
        return await queries.rules(work)

    @routes.post("/v1/ops/points/rules", status_code=201, response_model=RuleOut)
    async def change_rule(body: RuleIn, caller: FinanceOperator, work: Work, call: Idempotent) -> Response:
        if stored := await call.once(work):
            return stored.response()
        proposal = RuleProposal(**body.model_dump())
        rule = await usecases.change_rule(work, proposal=proposal, operator=caller.subject, now=utc_now())
        answer = RuleOut.model_validate(rule, from_attributes=True)
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    @routes.post("/v1/ops/points/adjustments", status_code=201, response_model=AdjustmentOut)
    async def adjust(body: AdjustmentIn, caller: PointsOperator, work: Work, call: Idempotent) -> Response:
        if stored := await call.once(work):
            return stored.response()
        entry = await usecases.adjust(work, **body.model_dump(), operator=caller.subject, terms=terms, now=utc_now())
        answer = AdjustmentOut(
            entry_id=entry.cause.entry_id, member_id=entry.member_id, points=entry.points, balance=entry.balance
        )
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    @routes.get("/internal/figures")
    async def read_figures(_: ServiceCaller, work: Reading) -> FiguresOut:
        return await queries.figures(work)

    return routes
