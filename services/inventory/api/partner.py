"""Partners honour codes of their brand."""

from fastapi import APIRouter, Response
from pydantic import SecretStr

from services.inventory.domain.entitlements import CodeUnknownError
from services.inventory.queries import wallet
from services.inventory.schemas import RedeemedOut, RedemptionIn, RedemptionOut
from services.inventory.usecases.canaries import report_touched
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.redeeming import redeem_code
from shared.clock import utc_now
from shared.crypto import Secret
from shared.database import UnitOfWork
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, PartnerCaller, Problem, Reading, Work


def router(sealer: CardSealer) -> APIRouter:
    """Paths for partners."""
    routes = APIRouter(prefix="/v1/partner/redemptions", tags=["partner"])

    @routes.post("", status_code=201, response_model=RedeemedOut)
    async def redeem(body: RedemptionIn, caller: PartnerCaller, work: Work, call: Idempotent) -> Response:
        """Honour a code, once. A code of another brand is as unknown as one that never was."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        partner_id = caller.partner_id
        if partner_id is None:
            raise Problem(403, "auth.forbidden", "Not allowed")
        code = _presented(body)
        try:
            redemption, masked = await redeem_code(
                work, code, sealer=sealer, partner_id=partner_id, store=body.store, now=utc_now()
            )
        except CodeUnknownError:
            await _watch(work, sealer.find_index(code.reveal()), caller.subject)
            raise
        answer = RedeemedOut(redemption_id=redemption.redemption_id, masked=masked, redeemed_at=redemption.redeemed_at)
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    @routes.get("")
    async def list_redemptions(
        caller: PartnerCaller, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> Page[RedemptionOut]:
        """What this partner honoured, the newest first."""
        if caller.partner_id is None:
            raise Problem(403, "auth.forbidden", "Not allowed")
        return await wallet.list_redemptions(read, caller.partner_id, cursor=cursor, limit=limit)

    return routes


async def _watch(work: UnitOfWork, index: bytes | None, subject: str) -> None:
    """Report a code that is unknown here but from an exported file, in a transaction of its own: this one is refused."""
    if index is not None:
        async with work.database.begin() as apart:
            await report_touched(apart, [index], place="redeem", subject=subject, now=utc_now())


def _presented(body: RedemptionIn) -> Secret:
    """The code as it was presented.

    :raises Problem: 422 `body.invalid`; neither `code` nor `qr` is there, or both are.
    """
    given: list[SecretStr] = [value for value in (body.code, body.qr) if value is not None]
    if len(given) != 1:
        raise Problem(422, "body.invalid", "Give either code or qr")
    return Secret(given[0].get_secret_value())
