"""Partners honour many codes in one call."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from services.inventory.api.partner import OwnPartnerId, presented_of
from services.inventory.api.redemption_problems import REDEMPTION_PROBLEMS
from services.inventory.domain.redeeming import RedeemRefusedError, RedemptionChannel
from services.inventory.schemas import RedemptionResultOut, RedemptionResultsOut, RedemptionsIn
from services.inventory.usecases.redeeming import Honoured, Reader, redeem_all
from shared.clock import utc_now
from shared.http import Idempotent, Work

PATH = "/v1/partner/redemptions/batch"

BODY_BYTES_MAX = 1024 * 1024
"""500 items with the longest codes and names."""


def router(reader: Reader) -> APIRouter:
    """Paths for sets of codes."""
    routes = APIRouter(tags=["partner"])

    @routes.post(PATH, response_model=RedemptionResultsOut)
    async def redeem_many(body: RedemptionsIn, partner_id: OwnPartnerId, work: Work, call: Idempotent) -> Response:
        """Honour up to 500 codes and QR codes, each for itself: one that is refused does not stop the others."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        outcomes = await redeem_all(
            work,
            [presented_of(item) for item in body.items],
            channel=RedemptionChannel.BATCH,
            reader=reader,
            partner_id=partner_id,
            now=utc_now(),
        )
        answer = results_of(outcomes)
        return await call.keep(work, status=200, body=answer.model_dump_json(exclude_none=True).encode())

    return routes


def results_of(outcomes: Sequence[Honoured | RedeemRefusedError]) -> RedemptionResultsOut:
    """The outcomes as they are told."""
    items = [_result(position, outcome) for position, outcome in enumerate(outcomes)]
    redeemed = sum(item.outcome == "redeemed" for item in items)
    return RedemptionResultsOut(redeemed=redeemed, refused=len(items) - redeemed, items=items)


def _result(position: int, outcome: Honoured | RedeemRefusedError) -> RedemptionResultOut:
    if isinstance(outcome, RedeemRefusedError):
        problem = REDEMPTION_PROBLEMS[type(outcome)]
        return RedemptionResultOut(position=position, outcome="refused", code=problem.code, title=problem.title)
    return RedemptionResultOut(
        position=position,
        outcome="redeemed",
        redemption_id=outcome.redemption.redemption_id,
        masked=outcome.masked,
        redeemed_at=outcome.redemption.redeemed_at,
    )
