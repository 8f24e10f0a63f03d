"""Give an entitlement away, and claim, decline or take back what was given."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementUnknownError
from services.inventory.domain.gifting import (
    COUNTED_FOR,
    Gift,
    GiftOverError,
    GiftRules,
    GiftState,
    GiftToSelfError,
    GiftUnknownError,
    check_claim,
    check_gift,
    new_token,
    token_hash,
)
from services.inventory.domain.offline import UPLOAD_WITHIN
from services.inventory.domain.owners import Owner
from services.inventory.repository import gifting, redemptions
from shared.clock import new_id
from shared.crypto import Secret
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

log = get_logger(__name__)

_GIFTS = Counter("gifts_total", "Gifts of entitlements, by what became of them", ["state"])


@dataclass(frozen=True, slots=True)
class MadeGift:
    """A gift with its token, which is known to nobody else and kept nowhere. None: it is for a named member."""

    gift: Gift
    token: Secret | None = field(repr=False)


async def give(
    uow: UnitOfWork,
    entitlement_id: UUID,
    *,
    from_member_id: UUID,
    to_member_id: UUID | None,
    message: str | None,
    rules: GiftRules,
    now: datetime,
) -> MadeGift:
    """Offer what a member owns to another, or to whoever brings the token. From now on the giver cannot use it.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises GiftToSelfError: it would be given to its owner.
    :raises GiftNotAllowedError: it is not to be given, or was used, seen or given before.
    :raises TooManyGiftsError: the member gave too much away lately.
    """
    if to_member_id == from_member_id:
        raise GiftToSelfError("it is yours already")
    await gifting.lock_giver(uow, from_member_id)
    await redemptions.lock_unit(uow, entitlement_id)
    facts = await gifting.find_facts(uow, entitlement_id, out_until=now - UPLOAD_WITHIN, counted_from=now - COUNTED_FOR)
    owner = Owner(member_id=from_member_id)
    if facts is None or not owner.owns(member_id=facts.member_id, order_id=facts.order_id, given=facts.given):
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    check_gift(facts, rules=rules, now=now)
    token = None if to_member_id else new_token()
    gift = Gift(
        gift_id=new_id(),
        entitlement_id=entitlement_id,
        from_member_id=from_member_id,
        to_member_id=to_member_id,
        token_sha256=token_hash(token) if token else None,
        message=message,
        state=GiftState.PENDING,
        made_at=now,
        expires_at=now + rules.lifetime if facts.expires_at is None else min(now + rules.lifetime, facts.expires_at),
    )
    await gifting.add_gift(uow, gift)
    _note(uow, gift, GiftState.PENDING)
    return MadeGift(gift, Secret(token) if token else None)


async def claim_by_token(uow: UnitOfWork, token: Secret, *, member_id: UUID, now: datetime) -> Gift:
    """Take a gift by its token, once.

    :raises GiftUnknownError: no gift has this token.
    :raises GiftToSelfError, GiftOverError: as `claim_named`.
    """
    gift = await gifting.find_by_token(uow, token_hash(token.reveal()))
    if gift is None:
        raise GiftUnknownError("there is no such gift")
    return await _claim(uow, gift, member_id=member_id, now=now)


async def claim_named(uow: UnitOfWork, gift_id: UUID, *, member_id: UUID, now: datetime) -> Gift:
    """Take a gift that names this member, once.

    :raises GiftUnknownError: there is none for this member.
    :raises GiftToSelfError: it is the giver who asks.
    :raises GiftOverError: it was claimed, cancelled or declined, or its time or the entitlement's is over.
    """
    gift = await gifting.find_gift(uow, gift_id)
    if gift is None or gift.to_member_id != member_id:
        raise GiftUnknownError("there is no such gift")
    return await _claim(uow, gift, member_id=member_id, now=now)


async def cancel(uow: UnitOfWork, gift_id: UUID, *, member_id: UUID, now: datetime) -> Gift:
    """The giver takes back what nobody claimed yet.

    :raises GiftUnknownError: there is none of this member's.
    :raises GiftOverError: it has ended.
    """
    gift = await gifting.find_gift(uow, gift_id)
    if gift is None or gift.from_member_id != member_id:
        raise GiftUnknownError("there is no such gift")
    return await _end(uow, gift, GiftState.CANCELLED, now=now)


async def decline(uow: UnitOfWork, gift_id: UUID, *, member_id: UUID, now: datetime) -> Gift:
    """The member whom it names does not want it: it is the giver's again.

    :raises GiftUnknownError: there is none for this member.
    :raises GiftOverError: it has ended.
    """
    gift = await gifting.find_gift(uow, gift_id)
    if gift is None or gift.to_member_id != member_id:
        raise GiftUnknownError("there is no such gift")
    return await _end(uow, gift, GiftState.DECLINED, now=now)


async def expire_gifts(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """What nobody claimed in time is the giver's again; answers how many."""
    expired = await gifting.expire(uow, now=now, limit=limit)
    if expired:
        log.info("gifts.expired", gifts=expired)
        uow.after_commit(lambda: _GIFTS.labels(GiftState.EXPIRED.value).inc(expired))
    return expired


async def _claim(uow: UnitOfWork, found: Gift, *, member_id: UUID, now: datetime) -> Gift:
    gift = await _lock(uow, found)
    check_claim(gift, member_id, expires_at=await gifting.find_end(uow, gift.entitlement_id), now=now)
    await gifting.claim(uow, gift.gift_id, member_id=member_id, now=now)
    _note(uow, gift, GiftState.CLAIMED)
    return gift


async def _end(uow: UnitOfWork, found: Gift, state: GiftState, *, now: datetime) -> Gift:
    gift = await _lock(uow, found)
    if gift.state is not GiftState.PENDING:
        raise GiftOverError("the gift was claimed, taken back or declined, or its time is over")
    await gifting.end(uow, gift.gift_id, state=state, now=now)
    _note(uow, gift, state)
    return gift


async def _lock(uow: UnitOfWork, found: Gift) -> Gift:
    """The gift as it stands with its entitlement locked."""
    await redemptions.lock_unit(uow, found.entitlement_id)
    gift = await gifting.find_gift(uow, found.gift_id)
    assert gift is not None  # noqa: S101  # gifts are never deleted
    return gift


def _note(uow: UnitOfWork, gift: Gift, state: GiftState) -> None:
    log.info("gift.changed", gift_id=gift.gift_id, entitlement_id=gift.entitlement_id, state=state.value)
    uow.after_commit(lambda: _GIFTS.labels(state.value).inc())
