"""One-tap links to codes."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.inventory.api.desks import RevealDesk
from services.inventory.api.owners import owner_of
from services.inventory.domain.cards import is_link
from services.inventory.domain.links import Binding
from services.inventory.schemas import LinkIn, LinkOut, OpenedOut
from services.inventory.usecases.links import make_link, use_link
from shared.clock import utc_now
from shared.crypto import Keyring, Secret
from shared.database import Database
from shared.http import BuyerOrGuestCaller, Identity, Work

_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def router(desk: RevealDesk, keyring: Keyring) -> APIRouter:
    """Paths of one-tap links."""
    routes = APIRouter(prefix="/v1/wallet", tags=["wallet"])

    @routes.post("/entitlements/{entitlement_id}/link", status_code=201, response_model=LinkOut)
    async def make(entitlement_id: UUID, caller: BuyerOrGuestCaller, work: Work) -> Response:
        """A token to be posted to `/v1/wallet/links`: good for five minutes, once, in this session.

        Asking again makes another one, which is harmless: it needs no Idempotency-Key.
        """
        token, link = await make_link(
            work,
            entitlement_id,
            owner=owner_of(caller),
            binding=binding_of(caller),
            keyring=keyring,
            now=utc_now(),
        )
        made = LinkOut(token=token.reveal(), expires_at=link.expires_at)
        return Response(made.model_dump_json(), status_code=201, media_type="application/json", headers=_NO_STORE)

    @routes.post("/links", response_model=OpenedOut)
    async def open_link(body: LinkIn, caller: BuyerOrGuestCaller, request: Request) -> Response:
        """Show the code, once: audited and judged by risk like every reveal. A code that is an address comes as `use_url`.

        The link is used up first: where risk refuses, the owner asks for another. The token comes in the body, because
        addresses are logged on the way; a page keeps it behind the `#` of its own.
        """
        database: Database = request.app.state.database
        async with database.begin() as work:
            entitlement_id = await use_link(
                work, Secret(body.token.get_secret_value()), binding=binding_of(caller), keyring=keyring, now=utc_now()
            )
        card = await desk.reveal(caller, entitlement_id)
        opened = OpenedOut(
            code=None if is_link(card.code) else card.code,
            use_url=card.code if is_link(card.code) else None,
            password=card.password,
            serial=card.serial,
            expires_at=card.expires_at,
        )
        return Response(opened.model_dump_json(exclude_none=True), media_type="application/json", headers=_NO_STORE)

    return routes


def binding_of(caller: Identity) -> Binding:
    """The session of the caller; one without a session is told by the device, else by the address."""
    return Binding(caller.caller, caller.session_id or caller.device or caller.ip)
