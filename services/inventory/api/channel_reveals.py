"""Order has the codes of a channel's order shown. Whose order it is, order knows; that it is no member's, is seen here."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.inventory.domain.cards import SealedEntitlement
from services.inventory.domain.entitlements import EntitlementState, EntitlementUnknownError, RevealRecord
from services.inventory.queries import wallet
from services.inventory.queries.wallet import Owned
from services.inventory.schemas.base import Incoming
from services.inventory.usecases import revealing
from services.inventory.usecases.revealing import Reveal
from shared.clock import new_id, utc_now
from shared.crypto import Keyring
from shared.database import Database
from shared.http import Identity, Role, require
from shared.observability import current_traceparent

ENTITLEMENTS_MAX = 1_000

OnlyService = Annotated[Identity, Depends(require(Role.SERVICE))]


class ChannelRevealIn(Incoming):
    """Whose codes of which order are to be shown, and from where that was asked."""

    order_id: UUID
    channel_id: UUID
    entitlement_ids: Annotated[list[UUID], Field(min_length=1, max_length=ENTITLEMENTS_MAX)]
    ip: Annotated[str, Field(max_length=45)] = ""


def router(keyring: Keyring) -> APIRouter:
    """The one path, for services alone."""
    routes = APIRouter(tags=["channel"])

    @routes.post("/internal/channel-reveals", include_in_schema=False)
    async def reveal(body: ChannelRevealIn, _: OnlyService, request: Request) -> Response:
        """Show codes of one order: the audit of all is committed, then they are opened. What was taken back is left out."""
        database: Database = request.app.state.database
        async with database.read() as read:
            found = await wallet.find_owned(read, body.entitlement_ids)
        cards = _cards_of(body, [found.get(entitlement_id) for entitlement_id in body.entitlement_ids])
        shown = await _audited(database, body, cards)
        items = [_item(card, keyring) for card in shown]
        headers = {"Cache-Control": "no-store"}
        return Response(orjson.dumps({"items": items}), media_type="application/json", headers=headers)

    return routes


def _cards_of(body: ChannelRevealIn, wanted: Sequence[Owned | None]) -> list[SealedEntitlement]:
    """:raises EntitlementUnknownError: some of it came with another order, or belongs to a member."""
    cards = []
    for owned in wanted:
        if owned is None or owned.order_id != body.order_id or owned.member_id is not None:
            raise EntitlementUnknownError("not all of this came with that order")
        if owned.card is not None and owned.state is not EntitlementState.REVOKED:
            cards.append(owned.card)
    return cards


async def _audited(
    database: Database, body: ChannelRevealIn, cards: Sequence[SealedEntitlement]
) -> list[SealedEntitlement]:
    """Those whose look is written down; one that was taken back meanwhile is not, and is not shown."""
    if not cards:
        return []
    reveals = [Reveal(card, _record(body, card.entitlement_id), current_traceparent()) for card in cards]
    async with database.begin() as work:
        refused = await revealing.record_reveals(work, reveals, now=utc_now())
    return [card for card, error in zip(cards, refused, strict=True) if error is None]


def _record(body: ChannelRevealIn, entitlement_id: UUID) -> RevealRecord:
    return RevealRecord(
        reveal_id=new_id(),
        entitlement_id=entitlement_id,
        role=Role.CHANNEL.value,
        subject=str(body.channel_id),
        ip=body.ip,
        device=None,
        decision_id=None,
    )


def _item(owned: SealedEntitlement, keyring: Keyring) -> dict[str, object]:
    card = revealing.open_card(owned, keyring=keyring)
    return {
        "entitlement_id": str(owned.entitlement_id),
        "code": card.code,
        "password": card.password,
        "serial": card.serial,
        "expires_at": card.expires_at,
    }
