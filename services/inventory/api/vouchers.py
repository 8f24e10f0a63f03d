"""A buyer shows a QR code at the till."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.owners import owner_of
from services.inventory.schemas import QrOut
from services.inventory.usecases.offline import make_offline_voucher
from services.inventory.usecases.vouchers import MadeVoucher, make_qr
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.http import BuyerOrGuestCaller, Work

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
        return _shown(made)

    @routes.post("/{entitlement_id}/offline-qr", response_model=QrOut)
    async def take_offline_qr(entitlement_id: UUID, caller: BuyerOrGuestCaller, work: Work) -> Response:
        """A QR code for a day, for stores without a network. The same one is given again as long as it is good.

        While it is out, and a day longer, the entitlement is not refunded: a store may have honoured it.
        """
        made = await make_offline_voucher(work, entitlement_id, owner=owner_of(caller), keyring=keyring, now=utc_now())
        return _shown(made)

    return routes


def _shown(made: MadeVoucher) -> Response:
    shown = QrOut(qr=made.text.reveal(), expires_at=made.voucher.expires_at)
    return Response(shown.model_dump_json(), media_type="application/json", headers=_NO_STORE)
