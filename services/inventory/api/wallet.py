"""What a buyer owns. A guest sees what came with the one order that the token is for."""

from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from services.inventory.api.callers import SupportOperator
from services.inventory.api.desks import RevealDesk
from services.inventory.api.owners import owner_of
from services.inventory.queries import wallet
from services.inventory.schemas import BenefitStatus, CardOut, EntitlementOpsOut, EntitlementOut, WalletOrder
from shared.clock import utc_now
from shared.http import DEFAULT_PAGE, BuyerOrGuestCaller, Cursor, Page, PageSize, Problem, Reading

_NO_STORE = {"Cache-Control": "no-store"}


def router(desk: RevealDesk) -> APIRouter:
    """Paths of the wallet."""
    routes = APIRouter(tags=["wallet"])

    @routes.get("/v1/wallet/entitlements")
    async def list_entitlements(
        caller: BuyerOrGuestCaller,
        read: Reading,
        status: BenefitStatus | None = None,
        sort: WalletOrder = WalletOrder.NEWEST,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> Page[EntitlementOut]:
        """Everything owned, masked, with how to use it; a cursor goes on with the sort that it came from."""
        owner = owner_of(caller)
        listing = wallet.list_expiring if sort is WalletOrder.EXPIRING else wallet.list_newest
        return await listing(read, owner, status=status, now=utc_now(), cursor=cursor, limit=limit)

    @routes.post("/v1/wallet/entitlements/{entitlement_id}/reveal", response_model=CardOut)
    async def reveal(entitlement_id: UUID, caller: BuyerOrGuestCaller) -> Response:
        """Show the code, or the link that stands for one. Every time is audited, and repeating it is harmless: it needs no Idempotency-Key."""
        card = await desk.reveal(caller, entitlement_id)
        content = {
            "link" if card.link_host else "code": card.code,
            "password": card.password,
            "serial": card.serial,
            "expires_at": card.expires_at,
        }
        shown = orjson.dumps({name: value for name, value in content.items() if value is not None})
        return Response(shown, media_type="application/json", headers=_NO_STORE)

    @routes.get("/v1/ops/entitlements")
    async def search_entitlements(
        _: SupportOperator,
        read: Reading,
        order_id: UUID | None = None,
        member_id: UUID | None = None,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> Page[EntitlementOpsOut]:
        """What came with an order, or all that a member owns; never the codes."""
        if order_id is None and member_id is None:
            raise Problem(422, "parameter.invalid", "Name an order_id or a member_id")
        return await wallet.search(
            read, member_id=member_id, order_id=order_id, now=utc_now(), cursor=cursor, limit=limit
        )

    return routes
