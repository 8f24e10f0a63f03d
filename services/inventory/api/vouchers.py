"""A buyer shows a QR code at the till."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.domain.owners import Owner
from services.inventory.schemas import QrOut
from services.inventory.usecases.vouchers import make_qr
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.http import BuyerOrGuestCaller, Identity, Work

_NO_STORE = {"Cache-Control": "no-store"}


def router(keyring: Keyring) -> APIRouter:
    """Paths of vouchers."""
    routes = APIRouter(prefix="/v1/wallet/entitlements", tags=["wallet"])

    @routes.post("/{entitlement_id}/qr", response_model=QrOut)
    async def show_qr(entitlement_id: UUID, caller: BuyerOrGuestCaller, work: Work) -> Response:
        """What to draw as a QR code, good for a minute at the brand's tills. Ask again before it ends.

        It carries no code and takes nothing away, so it needs no Idempotency-Key.
        """
        made = await make_qr(work, entitlement_id, owner=owner_of(caller), keyring=keyring, now=utc_now())
        shown = QrOut(qr=made.text.reveal(), expires_at=made.voucher.expires_at)
        return Response(shown.model_dump_json(), media_type="application/json", headers=_NO_STORE)

    return routes


def owner_of(caller: Identity) -> Owner:
    """Whose things the caller may use."""
    return Owner(member_id=caller.member_id, order_id=caller.order_id)
