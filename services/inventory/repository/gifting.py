"""Gifts, and the entitlements that they keep from use. Ask and write with the entitlement locked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.gifting import Gift, GiftFacts, GiftState
from services.inventory.repository.sources import seen_by_somebody
from shared.database import UnitOfWork

# One member's gifts are counted one after the other, or many at once would each find room.
_LOCK_GIVER = "SELECT pg_advisory_xact_lock(hashtextextended('inventory.gift|' || $1::uuid::text, 0))"

_FACTS = f"""
SELECT unit.entitlement_id, unit.order_id, unit.member_id, unit.given_at IS NOT NULL AS given, sku.kind, sku.giftable, unit.state,
       unit.expires_at, unit.gift_id IS NOT NULL AS is_pending, {seen_by_somebody("unit")} AS is_seen,
       EXISTS (SELECT FROM entitlements other WHERE other.card_id = unit.card_id AND other.use_no <> unit.use_no
               AND NOT other.restocked)
           OR EXISTS (SELECT FROM shelf WHERE shelf.card_id = unit.card_id)
           OR EXISTS (SELECT FROM frozen_cards WHERE frozen_cards.card_id = unit.card_id) AS is_shared,
       EXISTS (SELECT FROM offline_vouchers out WHERE out.entitlement_id = unit.entitlement_id AND out.expires_at > $2) AS is_out,
       (SELECT count(*)::int FROM gifts WHERE from_member_id = unit.member_id AND made_at > $3) AS gifts
FROM entitlements unit JOIN skus sku ON sku.sku_id = unit.sku_id WHERE unit.entitlement_id = $1
"""  # noqa: S608  # composed of a constant

_COLUMNS = (
    """gift_id, entitlement_id, from_member_id, to_member_id, token_sha256, message, state, made_at, expires_at"""
)

_ADD = f"""
WITH added AS (
    INSERT INTO gifts ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING gift_id, entitlement_id
)
UPDATE entitlements SET gift_id = added.gift_id FROM added WHERE entitlements.entitlement_id = added.entitlement_id
"""  # noqa: S608  # the names are the columns above

_FIND = f"SELECT {_COLUMNS} FROM gifts WHERE gift_id = $1"  # noqa: S608  # the columns above
_BY_TOKEN = f"SELECT {_COLUMNS} FROM gifts WHERE token_sha256 = $1"  # noqa: S608  # the columns above

_EXPIRES_AT = "SELECT expires_at FROM entitlements WHERE entitlement_id = $1"

_CLAIM = """
WITH claimed AS (
    UPDATE gifts SET state = 'claimed', claimed_by = $2, ended_at = $3 WHERE gift_id = $1 RETURNING gift_id, entitlement_id
)
UPDATE entitlements SET member_id = $2, gift_id = NULL, given_at = $3
FROM claimed WHERE entitlements.entitlement_id = claimed.entitlement_id
"""

_END = """
WITH ended AS (UPDATE gifts SET state = $2, ended_at = $3 WHERE gift_id = $1 RETURNING entitlement_id)
UPDATE entitlements SET gift_id = NULL FROM ended WHERE entitlements.entitlement_id = ended.entitlement_id
"""

_TAKE_BACK = """
UPDATE gifts SET state = 'taken_back', ended_at = $2 WHERE entitlement_id = ANY($1::uuid[]) AND state = 'pending'
"""

# Whoever claims or cancels holds the entitlement's lock: those are left to him, and looked at again after him.
_EXPIRE = """
WITH due AS (
    SELECT gift_id, entitlement_id FROM gifts WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2
), locked AS (
    SELECT due.gift_id, unit.entitlement_id FROM entitlements unit JOIN due ON due.gift_id = unit.gift_id
    ORDER BY unit.entitlement_id FOR UPDATE OF unit SKIP LOCKED
), ended AS (
    UPDATE gifts SET state = 'expired', ended_at = $1 FROM locked WHERE gifts.gift_id = locked.gift_id
)
UPDATE entitlements SET gift_id = NULL FROM locked WHERE entitlements.entitlement_id = locked.entitlement_id
RETURNING locked.gift_id
"""


async def lock_giver(uow: UnitOfWork, member_id: UUID) -> None:
    """Nobody else makes a gift of this member's until this transaction ends."""
    await uow.raw.execute(_LOCK_GIVER, member_id)


async def find_facts(
    uow: UnitOfWork, entitlement_id: UUID, *, out_until: datetime, counted_from: datetime
) -> GiftFacts | None:
    """What giving has to know. An offline voucher is out until its end lies before `out_until`."""
    row = await uow.raw.fetchrow(_FACTS, entitlement_id, out_until, counted_from)
    if row is None:
        return None
    return GiftFacts(**{**row, "kind": SkuKind(row["kind"]), "state": EntitlementState(row["state"])})


async def add_gift(uow: UnitOfWork, gift: Gift) -> None:
    """Write it down, and keep the entitlement from use.

    :raises asyncpg.UniqueViolationError: it is being given away already (`uq_gifts_pending`).
    """
    await uow.raw.execute(
        _ADD,
        gift.gift_id,
        gift.entitlement_id,
        gift.from_member_id,
        gift.to_member_id,
        gift.token_sha256,
        gift.message,
        gift.state.value,
        gift.made_at,
        gift.expires_at,
    )


async def find_gift(uow: UnitOfWork, gift_id: UUID) -> Gift | None:
    row = await uow.raw.fetchrow(_FIND, gift_id)
    return None if row is None else _gift(row)


async def find_by_token(uow: UnitOfWork, token_sha256: bytes) -> Gift | None:
    """The gift that a claim token is for."""
    row = await uow.raw.fetchrow(_BY_TOKEN, token_sha256)
    return None if row is None else _gift(row)


async def find_end(uow: UnitOfWork, entitlement_id: UUID) -> datetime | None:
    """When the entitlement ends."""
    expires_at: datetime | None = await uow.raw.fetchval(_EXPIRES_AT, entitlement_id)
    return expires_at


async def claim(uow: UnitOfWork, gift_id: UUID, *, member_id: UUID, now: datetime) -> None:
    """The pending gift is this member's now."""
    await uow.raw.execute(_CLAIM, gift_id, member_id, now)


async def end(uow: UnitOfWork, gift_id: UUID, *, state: GiftState, now: datetime) -> None:
    """The pending gift has come to nothing; the giver can use the entitlement again."""
    await uow.raw.execute(_END, gift_id, state.value, now)


async def take_back(uow: UnitOfWork, entitlement_ids: Sequence[UUID], *, now: datetime) -> None:
    """Pending gifts of locked entitlements that are revoked come to nothing."""
    await uow.raw.execute(_TAKE_BACK, entitlement_ids, now)


async def expire(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """End gifts that nobody claimed in time; answers how many."""
    return len(await uow.raw.fetch(_EXPIRE, now, limit))


def _gift(row: asyncpg.Record) -> Gift:
    return Gift(**{**row, "state": GiftState(row["state"])})
