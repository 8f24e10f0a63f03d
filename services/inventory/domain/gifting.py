"""Giving an entitlement away (转赠): to a member by name, or to whoever brings the link. Nobody can use it in between."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.kinds import KINDS, Shown

TOKEN_PREFIX: Final = "KG1."  # noqa: S105  # how a claim token begins

COUNTED_FOR = timedelta(hours=24)
"""The time in which a member's gifts are counted against the most that may be made."""


class GiftState(StrEnum):
    """Where a gift stands. All but the first are ends; but for `claimed` the entitlement is the giver's again, or nobody's."""

    PENDING = "pending"
    CLAIMED = "claimed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    TAKEN_BACK = "taken_back"


class GiftUnknownError(Exception):
    """There is no such gift, or it is not for the one who asks."""


class GiftNotAllowedError(Exception):
    """This is not given away (any more)."""


class GiftToSelfError(Exception):
    """Giver and recipient are the same."""


class GiftOverError(Exception):
    """The gift was claimed, cancelled or declined, or its time is over."""


class TooManyGiftsError(Exception):
    """The member gave too much away lately."""


@dataclass(frozen=True, slots=True)
class GiftRules:
    """How long a gift waits to be claimed, and how many a member may make in `COUNTED_FOR`."""

    lifetime: timedelta
    per_member_max: int


@dataclass(frozen=True, slots=True)
class GiftFacts:
    """An entitlement, locked, as far as giving it away asks. `is_seen`: somebody knows its code; `is_shared`: so do owners of
    other uses of its card. `is_out`: a store without a network may have honoured it. `gifts` are its owner's of the last time.
    """

    entitlement_id: UUID
    order_id: UUID
    member_id: UUID | None
    given: bool
    kind: SkuKind
    giftable: bool | None
    state: EntitlementState
    expires_at: datetime | None
    is_pending: bool
    is_seen: bool
    is_shared: bool
    is_out: bool
    gifts: int


@dataclass(frozen=True, slots=True)
class Gift:
    """A gift. `to_member_id` None: for whoever brings the token, of which only the hash is known."""

    gift_id: UUID
    entitlement_id: UUID
    from_member_id: UUID
    to_member_id: UUID | None
    token_sha256: bytes | None = field(repr=False)
    message: str | None = field(repr=False)
    state: GiftState
    made_at: datetime
    expires_at: datetime


def is_giftable(kind: SkuKind, giftable: bool | None) -> bool:  # noqa: FBT001  # a term of the SKU
    """Whether units of a SKU may be given away: as it says or, where it says nothing, all that has no name on it."""
    if KINDS[kind].shown is Shown.NOTHING:
        return False
    return kind is not SkuKind.EVENT_SEAT if giftable is None else giftable


def check_gift(facts: GiftFacts, *, rules: GiftRules, now: datetime) -> None:
    """Whether its owner may give the entitlement away now.

    :raises GiftNotAllowedError: it is not to be given, or was used, seen or given before.
    :raises TooManyGiftsError: the member gave too much away lately.
    """
    hindrances = (
        (not is_giftable(facts.kind, facts.giftable), "this is not given away"),
        (facts.is_pending, "this is being given away already"),
        (facts.state is not EntitlementState.ACTIVE, "this was redeemed or taken back"),
        (facts.expires_at is not None and facts.expires_at <= now, "this has expired"),
        (facts.is_seen, "the code was seen: it could be used by two"),
        (facts.is_shared, "others have the same code: it could be used by two"),
        (facts.is_out, "a QR code for stores without a network is out; try again two days after it was taken"),
    )
    for is_there, reason in hindrances:
        if is_there:
            raise GiftNotAllowedError(reason)
    if facts.gifts >= rules.per_member_max:
        raise TooManyGiftsError(
            f"{rules.per_member_max} gifts in {COUNTED_FOR.total_seconds() / 3600:.0f} hours are the most"
        )


def check_claim(gift: Gift, member_id: UUID, *, expires_at: datetime | None, now: datetime) -> None:
    """Whether the member may have the gift now; `expires_at` is the entitlement's end.

    :raises GiftToSelfError: it is the giver who asks.
    :raises GiftOverError: it is not there to be had any more.
    """
    if gift.from_member_id == member_id:
        raise GiftToSelfError("this is your own gift; cancel it to have it back")
    if gift.state is not GiftState.PENDING or gift.expires_at <= now:
        raise GiftOverError("the gift was claimed by somebody, was taken back, or its time is over")
    if expires_at is not None and expires_at <= now:
        raise GiftOverError("what was given has expired")


def new_token() -> str:
    """A claim token: 256 bits that nobody guesses."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """By what a token is known: SHA-256 suffices for what cannot be guessed."""
    return hashlib.sha256(token.strip().encode()).digest()
