"""How members can be reached: the mini-program bound by its owner, and what order is told when it writes to them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.membership import queries
from services.membership.clients.wechat import WechatSignIn
from services.membership.domain.vault import Vault
from services.membership.schemas import ContactsIn, ContactsOut, WechatIn
from services.membership.usecases.contacts import bind_wechat
from shared.crypto import Secret
from shared.database import Database
from shared.http import BuyerCaller, Identity, Problem, Reading, Role, require

WRITES_TO_MEMBERS = "order"
"""The one service that is told plain contacts."""

Neighbour = Annotated[Identity, Depends(require(Role.SERVICE))]


def contacts_router(database: Database, vault: Vault, wechat: WechatSignIn) -> APIRouter:
    """Paths of contacts."""
    routes = APIRouter()

    @routes.put("/v1/me/wechat", status_code=204)
    async def bind(body: WechatIn, caller: BuyerCaller) -> Response:
        """Let the mini-program's messages reach the account: `code` is what `wx.login` gave. WeChat takes it once.

        Like signing in it takes no Idempotency-Key.
        """
        assert caller.member_id is not None  # noqa: S101  # a buyer has one
        openid = await wechat.openid(Secret(body.code.get_secret_value()))
        async with database.begin() as uow:
            await bind_wechat(uow, vault=vault, member_id=caller.member_id, openid=openid)
        return Response(status_code=204)

    @routes.post("/internal/contacts", include_in_schema=False)
    async def read_contacts(body: ContactsIn, caller: Neighbour, work: Reading) -> ContactsOut:
        """Plain contacts of some members, for the service that writes to them."""
        if caller.subject != WRITES_TO_MEMBERS:
            raise Problem(403, "auth.forbidden", "Not allowed")
        return ContactsOut(contacts=await queries.contacts(work, member_ids=body.member_ids, vault=vault))

    return routes
