"""Partners honour codes of their brand, and look at what they honoured."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import SecretStr

from services.inventory.api.redemption_filter import Filter
from services.inventory.domain.goods import FaceValue
from services.inventory.domain.redeeming import CodeUnknownError, Till
from services.inventory.domain.redemption_files import redemption_file
from services.inventory.queries import redemptions
from services.inventory.schemas import FaceValueOut, RedeemedOut, RedemptionIn, RedemptionOut, TillIn
from services.inventory.usecases.canaries import report_touched
from services.inventory.usecases.redeeming import Presented, Reader, redeem_one
from shared.clock import utc_now
from shared.crypto import Secret
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, PartnerCaller, Problem, Reading, Work


def own_partner_id(caller: PartnerCaller) -> UUID:
    """The partner who calls."""
    if caller.partner_id is None:
        raise Problem(403, "auth.forbidden", "Not allowed")
    return caller.partner_id


OwnPartnerId = Annotated[UUID, Depends(own_partner_id)]


def router(reader: Reader) -> APIRouter:
    """Paths for partners."""
    routes = APIRouter(prefix="/v1/partner/redemptions", tags=["partner"])

    @routes.post("", status_code=201, response_model=RedeemedOut)
    async def redeem(body: RedemptionIn, partner_id: OwnPartnerId, work: Work, call: Idempotent) -> Response:
        """Honour a code or a QR code, once. A code of another brand is as unknown as one that never was."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        presented = presented_of(body)
        try:
            honoured = await redeem_one(work, presented, reader=reader, partner_id=partner_id, now=utc_now())
        except CodeUnknownError:
            async with work.database.begin() as apart:  # this unit of work is refused
                await report_touched(
                    apart, reader.indexes([presented]), place="redeem", subject=str(partner_id), now=utc_now()
                )
            raise
        redemption = honoured.redemption
        answer = RedeemedOut(
            redemption_id=redemption.redemption_id,
            masked=honoured.masked,
            redeemed_at=redemption.redeemed_at,
            value=value_out(honoured.value),
        )
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    @routes.get("")
    async def list_redemptions(
        partner_id: OwnPartnerId, wanted: Filter, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> Page[RedemptionOut]:
        """What this partner honoured, the newest first."""
        return await redemptions.list_redemptions(
            read, replace(wanted, partner_id=partner_id), RedemptionOut, cursor=cursor, limit=limit
        )

    @routes.get("/export", response_class=Response)
    async def export_redemptions(partner_id: OwnPartnerId, wanted: Filter, read: Reading) -> Response:
        """The same as a CSV file for Excel, the oldest first: at most 50,000 redemptions."""
        rows = await redemptions.find_for_file(read, replace(wanted, partner_id=partner_id))
        return csv_response(redemption_file(rows))

    return routes


def presented_of(body: RedemptionIn) -> Presented:
    """What was presented, and where.

    :raises Problem: 422 `body.invalid`; neither `code` nor `qr` is there, or both are.
    """
    given: list[SecretStr] = [value for value in (body.code, body.qr) if value is not None]
    if len(given) != 1:
        raise Problem(422, "body.invalid", "Give either code or qr")
    return Presented(Secret(given[0].get_secret_value()), till_of(body), scanned=body.qr is not None)


def value_out(value: FaceValue | None) -> FaceValueOut | None:
    """What a cash voucher takes off the bill, as it is told."""
    return FaceValueOut(face_minor=value.face_minor, threshold_minor=value.threshold_minor) if value else None


def till_of(body: TillIn) -> Till:
    """The till that a body names."""
    return Till(store=body.store, terminal=body.terminal, cashier=body.cashier)


def csv_response(content: bytes) -> Response:
    """A file to be saved."""
    headers = {"Content-Disposition": 'attachment; filename="redemptions.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
