"""Members give what they own to one another."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.inventory.api.callers import SupportOperator
from services.inventory.domain.gifting import Gift, GiftRules, GiftState
from services.inventory.queries import gifts
from services.inventory.schemas import GiftClaimIn, GiftDirection, GiftIn, GiftMadeOut, GiftOut, GiftWithTokenOut
from services.inventory.usecases import gifting
from shared.clock import utc_now
from shared.crypto import Secret
from shared.http import DEFAULT_PAGE, BuyerCaller, Cursor, Idempotent, Page, PageSize, Problem, Reading, Work

_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

CLAIM_PAGE = "/gifts/claim"
"""The page to which a claim link leads; the token stands behind the `#`, which no server sees."""


def own_member_id(caller: BuyerCaller) -> UUID:
    """The member who calls: a guest has no account to give from or to."""
    if caller.member_id is None:
        raise Problem(403, "auth.forbidden", "Not allowed")
    return caller.member_id


OwnMemberId = Annotated[UUID, Depends(own_member_id)]


routes = APIRouter(tags=["wallet"])


@routes.get("/v1/wallet/gifts")
async def list_gifts(
    member_id: OwnMemberId,
    read: Reading,
    direction: GiftDirection = GiftDirection.SENT,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[GiftOut]:
    """What you gave, or were given by name or claimed, the newest first."""
    return await gifts.list_gifts(read, member_id, direction, cursor=cursor, limit=limit)


@routes.post("/v1/gifts/claim", response_model=GiftMadeOut)
async def claim(body: GiftClaimIn, member_id: OwnMemberId, work: Work, call: Idempotent) -> Response:
    """Take a gift, by its link's token or, if it names you, by its id. From now on it is yours alone.

    The token comes in the body, because addresses are logged on the way.
    """
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    if body.token is not None and body.gift_id is None:
        token = Secret(body.token.get_secret_value())
        gift = await gifting.claim_by_token(work, token, member_id=member_id, now=utc_now())
    elif body.gift_id is not None and body.token is None:
        gift = await gifting.claim_named(work, body.gift_id, member_id=member_id, now=utc_now())
    else:
        raise Problem(422, "body.invalid", "Give either token or gift_id")
    return await call.keep(work, status=200, body=_as_told(gift, GiftState.CLAIMED).model_dump_json().encode())


@routes.post("/v1/wallet/gifts/{gift_id}/cancel", response_model=GiftMadeOut)
async def cancel(gift_id: UUID, member_id: OwnMemberId, work: Work, call: Idempotent) -> Response:
    """Take back a gift of yours that nobody claimed yet."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    gift = await gifting.cancel(work, gift_id, member_id=member_id, now=utc_now())
    return await call.keep(work, status=200, body=_as_told(gift, GiftState.CANCELLED).model_dump_json().encode())


@routes.post("/v1/wallet/gifts/{gift_id}/decline", response_model=GiftMadeOut)
async def decline(gift_id: UUID, member_id: OwnMemberId, work: Work, call: Idempotent) -> Response:
    """Do not take a gift that names you: it goes back to its giver."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    gift = await gifting.decline(work, gift_id, member_id=member_id, now=utc_now())
    return await call.keep(work, status=200, body=_as_told(gift, GiftState.DECLINED).model_dump_json().encode())


@routes.get("/v1/ops/entitlements/{entitlement_id}/gifts")
async def list_of_entitlement(
    entitlement_id: UUID, _: SupportOperator, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[GiftOut]:
    """All gifts of an entitlement, the newest first: those that were claimed are the history of its owners."""
    return await gifts.list_of_entitlement(read, entitlement_id, cursor=cursor, limit=limit)


def router(rules: GiftRules) -> APIRouter:
    """The path that gives."""
    giving = APIRouter(tags=["wallet"])

    @giving.post("/v1/wallet/entitlements/{entitlement_id}/gifts", status_code=201, response_model=GiftWithTokenOut)
    async def give(
        entitlement_id: UUID, body: GiftIn, member_id: OwnMemberId, work: Work, call: Idempotent
    ) -> Response:
        """Offer what you own to a member, or to whoever brings the token. Until it is claimed or over, nobody can use it.

        Only what nobody has seen or used, of goods that may be given. The token is in the first answer alone; who asks
        again with the same key gets the gift without it.
        """
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        made = await gifting.give(
            work,
            entitlement_id,
            from_member_id=member_id,
            to_member_id=body.to_member_id,
            message=body.message,
            rules=rules,
            now=utc_now(),
        )
        kept = _as_told(made.gift, made.gift.state)
        await call.keep(work, status=201, body=kept.model_dump_json().encode())
        token = made.token.reveal() if made.token else None
        told = GiftWithTokenOut(
            **kept.model_dump(), claim_token=token, claim_url=f"{CLAIM_PAGE}#{token}" if token else None
        )
        return Response(
            told.model_dump_json(exclude_none=True), status_code=201, media_type="application/json", headers=_NO_STORE
        )

    return giving


def _as_told(gift: Gift, state: GiftState) -> GiftMadeOut:
    return GiftMadeOut(
        gift_id=gift.gift_id, entitlement_id=gift.entitlement_id, state=state, expires_at=gift.expires_at
    )
