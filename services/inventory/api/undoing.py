"""Redemptions are undone: by the partner within its time, by operators at any time."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.partner import OwnPartnerId
from services.inventory.api.redemptions import RedemptionOperator
from services.inventory.domain.undoing import Undo, UndoneBy
from services.inventory.queries.redemptions import find_redemption
from services.inventory.schemas import RedemptionOpsOut, RedemptionOut, UndoIn
from services.inventory.usecases.undoing import undo_redemption
from shared.clock import utc_now
from shared.http import Idempotent, Work


def router(within: timedelta) -> APIRouter:
    """Paths that undo. `within` is the partners' time where a SKU sets none."""
    routes = APIRouter()

    @routes.post("/v1/partner/redemptions/{redemption_id}/undo", tags=["partner"], response_model=RedemptionOut)
    async def undo_own(
        redemption_id: UUID, body: UndoIn, partner_id: OwnPartnerId, work: Work, call: Idempotent
    ) -> Response:
        """Undo a redemption of yours that was a mistake: its code can be redeemed again. Only for some time (`redemption.undo_too_late`).

        A QR code that was used stays used. What was undone stays on the list, with `undone_at`.
        """
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        undo = Undo(UndoneBy.PARTNER, str(partner_id), body.reason)
        await undo_redemption(work, redemption_id, undo, partner_id=partner_id, within=within, now=utc_now())
        undone = await find_redemption(work, redemption_id, RedemptionOut)
        return await call.keep(work, status=200, body=undone.model_dump_json().encode())

    @routes.post("/v1/ops/redemptions/{redemption_id}/undo", tags=["redemptions"], response_model=RedemptionOpsOut)
    async def undo_any(
        redemption_id: UUID, body: UndoIn, operator: RedemptionOperator, work: Work, call: Idempotent
    ) -> Response:
        """Undo any redemption, however old, as long as what was redeemed could still be used. Kept with who did it and why."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        undo = Undo(UndoneBy.OPERATOR, operator.subject, body.reason)
        await undo_redemption(work, redemption_id, undo, partner_id=None, within=within, now=utc_now())
        undone = await find_redemption(work, redemption_id, RedemptionOpsOut)
        return await call.keep(work, status=200, body=undone.model_dump_json().encode())

    return routes
