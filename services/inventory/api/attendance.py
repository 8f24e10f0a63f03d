"""Operators at the door of an event."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.callers import CatalogueOperator, SupportOperator
from services.inventory.api.partner import till_of, value_out
from services.inventory.domain.attendance import attendee_file
from services.inventory.schemas import RedeemedOut, TillIn
from services.inventory.usecases import attendance
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.http import Idempotent, Work

_FILE_HEADERS = {"Content-Disposition": 'attachment; filename="attendees.csv"', "Cache-Control": "no-store"}


def router(keyring: Keyring) -> APIRouter:
    """Paths of the door."""
    routes = APIRouter(prefix="/v1/ops", tags=["events"])

    @routes.post("/skus/{sku_id}/attendees", response_class=Response)
    async def read_attendees(sku_id: UUID, caller: CatalogueOperator, work: Work) -> Response:
        """Who has a seat, with name and phone, as CSV: at most 20,000. Who asked is kept; repeating it is harmless."""
        rows = await attendance.read_attendees(work, sku_id, operator=caller.caller, keyring=keyring, now=utc_now())
        return Response(attendee_file(rows), media_type="text/csv; charset=utf-8", headers=_FILE_HEADERS)

    @routes.post("/entitlements/{entitlement_id}/check-in", status_code=201, response_model=RedeemedOut)
    async def check_in(
        entitlement_id: UUID, body: TillIn, _: SupportOperator, work: Work, call: Idempotent
    ) -> Response:
        """Let somebody in on behalf of the brand, by the list: redeemed like at its till, once."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        honoured = await attendance.check_in(work, entitlement_id, till=till_of(body), now=utc_now())
        redemption = honoured.redemption
        answer = RedeemedOut(
            redemption_id=redemption.redemption_id,
            masked=honoured.masked,
            redeemed_at=redemption.redeemed_at,
            value=value_out(honoured.value),
        )
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    return routes
