"""What suppliers list, and what is left with them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.syncing import OfferChange, PriceRule, SealedAccess, SyncedOffer
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_ACCESS = """
SELECT supplier.supplier_id, supplier.base_url, supplier.merchant_id, supplier.wire, supplier.secret_sealed,
       data_keys.kek_version, data_keys.wrapped
FROM suppliers supplier JOIN data_keys ON data_keys.key_id = supplier.key_id
"""

# Whoever takes a supplier moves its time on: replicas do not list the same one together.
_TAKE_DUE = f"""
WITH due AS (
    SELECT supplier_id FROM suppliers WHERE active AND coalesce(sync_due_at, '-infinity') <= $1
    ORDER BY supplier_id LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE suppliers SET sync_due_at = $2 FROM due WHERE suppliers.supplier_id = due.supplier_id
    RETURNING suppliers.supplier_id
)
{_ACCESS} WHERE supplier.supplier_id IN (SELECT supplier_id FROM taken)
"""  # noqa: S608  # composed of the constant above

_FIND_ACCESS = f"{_ACCESS} WHERE supplier.supplier_id = $1 AND supplier.active"

_MAKE_DUE = "UPDATE suppliers SET sync_due_at = NULL WHERE supplier_id = $1 AND active RETURNING true"

_HASTEN = """
UPDATE supplier_tasks SET due_at = $3
WHERE supplier_id = $1 AND out_order_no = $2 AND state IN ('sent', 'unknown') AND lease IS NULL RETURNING true
"""

_TAKE_PUSH = """
UPDATE suppliers SET pushed_at = $2 WHERE supplier_id = $1 AND coalesce(pushed_at, '-infinity') < $2 RETURNING true
"""

_LOCK_OFFERS = """
SELECT offer.sku_id, offer.supplier_sku, offer.cost_minor, offer.stock, offer.paused_reason, offer.price_rule,
       offer.margin_bp, NOT EXISTS (
           SELECT FROM supplier_skus other JOIN suppliers rival ON rival.supplier_id = other.supplier_id AND rival.active
           WHERE other.sku_id = offer.sku_id AND other.paused_reason IS NULL AND other.priority < offer.priority
       ) AS leads
FROM supplier_skus offer WHERE offer.supplier_id = $1 ORDER BY offer.sku_id FOR UPDATE OF offer
"""

_SAVE_OFFERS = """
UPDATE supplier_skus SET cost_minor = wanted.cost_minor, stock = wanted.stock, paused_reason = wanted.paused_reason
FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::text[]) AS wanted (sku_id, cost_minor, stock, paused_reason)
WHERE supplier_skus.supplier_id = $1 AND supplier_skus.sku_id = wanted.sku_id
"""

_NOTE_SYNC = "UPDATE suppliers SET synced_at = $2 WHERE supplier_id = $1"

_NOTE_BALANCE = """
UPDATE suppliers SET balance_minor = $2 WHERE supplier_id = $1 RETURNING $2 < low_balance_minor AS low
"""


async def take_due(uow: UnitOfWork, *, now: datetime, next_at: datetime, limit: int) -> list[SealedAccess]:
    """Suppliers whose lists are to be read now; the next time is `next_at`."""
    return [_access(row) for row in await uow.raw.fetch(_TAKE_DUE, now, next_at, limit)]


async def make_due(uow: UnitOfWork, supplier_id: UUID) -> bool:
    """The supplier's list is to be read as soon as may be; False: there is no such active supplier."""
    return bool(await uow.raw.fetchval(_MAKE_DUE, supplier_id))


async def hasten(uow: UnitOfWork, supplier_id: UUID, *, out_order_no: str, now: datetime) -> bool:
    """The supplier is to be asked about our order now; False: it is not open there, or is being asked."""
    return bool(await uow.raw.fetchval(_HASTEN, supplier_id, out_order_no, now))


async def find_access(uow: UnitOfWork, supplier_id: UUID) -> SealedAccess | None:
    """An active supplier."""
    row = await uow.raw.fetchrow(_FIND_ACCESS, supplier_id)
    return None if row is None else _access(row)


async def take_push(uow: UnitOfWork, supplier_id: UUID, *, at: datetime) -> bool:
    """Whether a push of that moment is newer than all before; then it is the newest."""
    return bool(await uow.raw.fetchval(_TAKE_PUSH, supplier_id, at))


async def lock_offers(uow: UnitOfWork, supplier_id: UUID) -> list[SyncedOffer]:
    """All offers of a supplier, locked."""
    return [_offer(row) for row in await uow.raw.fetch(_LOCK_OFFERS, supplier_id)]


async def save_offers(uow: UnitOfWork, supplier_id: UUID, changes: Sequence[OfferChange]) -> None:
    """Write what offers became."""
    await uow.raw.execute(
        _SAVE_OFFERS,
        supplier_id,
        [change.offer.sku_id for change in changes],
        [change.cost_minor for change in changes],
        [change.stock for change in changes],
        [change.paused_reason for change in changes],
    )


async def note_sync(uow: UnitOfWork, supplier_id: UUID, *, now: datetime) -> None:
    await uow.raw.execute(_NOTE_SYNC, supplier_id, now)


async def note_balance(uow: UnitOfWork, supplier_id: UUID, *, balance_minor: int) -> bool:
    """Write what is left with a supplier; answers whether it is less than there should be."""
    return bool(await uow.raw.fetchval(_NOTE_BALANCE, supplier_id, balance_minor))


def _access(row: asyncpg.Record) -> SealedAccess:
    return SealedAccess(
        supplier_id=row["supplier_id"],
        base_url=row["base_url"],
        merchant_id=row["merchant_id"],
        wire=row["wire"],
        secret_sealed=row["secret_sealed"],
        secret_key=WrappedKey(row["kek_version"], row["wrapped"]),
    )


def _offer(row: asyncpg.Record) -> SyncedOffer:
    return SyncedOffer(
        sku_id=row["sku_id"],
        supplier_sku=row["supplier_sku"],
        cost_minor=row["cost_minor"],
        stock=row["stock"],
        paused_reason=row["paused_reason"],
        price_rule=PriceRule(row["price_rule"]),
        margin_bp=row["margin_bp"],
        leads=row["leads"],
    )
