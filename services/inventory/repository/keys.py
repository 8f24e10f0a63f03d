"""Data keys, wrapped, and what is sealed under them besides cards: buyers' fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_ADD_KEY = "INSERT INTO data_keys (key_id, purpose, kek_version, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)"

_LATEST_KEY = """
SELECT key_id, kek_version, wrapped FROM data_keys WHERE purpose = $1 AND created_at > $2 ORDER BY key_id DESC LIMIT 1
"""

_LOCK_OLD_KEYS = """
SELECT key_id, kek_version, wrapped FROM data_keys WHERE kek_version < $1 ORDER BY kek_version LIMIT $2
FOR UPDATE SKIP LOCKED
"""

_REWRAP = """
UPDATE data_keys SET kek_version = anew.kek_version, wrapped = anew.wrapped
FROM unnest($1::uuid[], $2::int[], $3::bytea[]) AS anew (key_id, kek_version, wrapped)
WHERE data_keys.key_id = anew.key_id
"""

_ADD_BUYER_FIELDS = """
INSERT INTO buyer_fields (component_id, order_id, key_id, sealed, masked, created_at)
SELECT component_id, order_id, $1, sealed, masked, $2
FROM unnest($3::uuid[], $4::uuid[], $5::bytea[], $6::text[]) AS wanted (component_id, order_id, sealed, masked)
ON CONFLICT (component_id) DO NOTHING
"""

_MASKS = "SELECT component_id, masked FROM buyer_fields WHERE component_id = ANY($1::uuid[])"

# Who comes to an event is needed until it is over, however early the seat was sold.
_PRUNE_BUYER_FIELDS = """
DELETE FROM buyer_fields WHERE component_id IN (
    SELECT kept.component_id FROM buyer_fields kept
    WHERE kept.created_at < $1 AND NOT EXISTS (
        SELECT FROM deliveries delivery JOIN skus sku ON sku.sku_id = delivery.sku_id
        WHERE delivery.component_id = kept.component_id
          AND (delivery.state LIKE 'awaiting_%'
               OR delivery.state = 'issued' AND (sku.goods -> 'event' ->> 'ends_at')::timestamptz > $1)
    ) LIMIT $2
)
"""


class KeyPurpose(StrEnum):
    """What a data key seals. Keys of different purposes are never exchanged."""

    CARD_BATCH = "card_batch"
    CARD_EXPORT = "card_export"
    BUYER_FIELDS = "buyer_fields"
    SUPPLIER_SECRET = "supplier_secret"  # noqa: S105  # names a purpose, holds no secret
    VOUCHER = "voucher"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key as stored."""

    key_id: UUID
    wrapped: WrappedKey


@dataclass(frozen=True, slots=True)
class SealedFields:
    """A component's buyer fields, sealed, with the account as it may be shown."""

    component_id: UUID
    order_id: UUID
    sealed: bytes = field(repr=False)
    masked: str


async def add_key(uow: UnitOfWork, key: DataKey, *, purpose: KeyPurpose, now: datetime) -> None:
    await uow.raw.execute(_ADD_KEY, key.key_id, purpose, key.wrapped.kek_version, key.wrapped.wrapped, now)


async def find_latest_key(uow: UnitOfWork, *, purpose: KeyPurpose, made_after: datetime) -> DataKey | None:
    """The newest key of the purpose, if one was made after that moment."""
    row = await uow.raw.fetchrow(_LATEST_KEY, purpose, made_after)
    return None if row is None else DataKey(row["key_id"], WrappedKey(row["kek_version"], row["wrapped"]))


async def lock_old_keys(uow: UnitOfWork, *, before_version: int, limit: int) -> list[DataKey]:
    """Keys that an older key-encryption key wraps, locked; those that another process is at are left out."""
    rows = await uow.raw.fetch(_LOCK_OLD_KEYS, before_version, limit)
    return [DataKey(row["key_id"], WrappedKey(row["kek_version"], row["wrapped"])) for row in rows]


async def replace_wrapping(uow: UnitOfWork, keys: Sequence[DataKey]) -> None:
    """Store the same keys under another wrapping."""
    await uow.raw.execute(
        _REWRAP,
        [key.key_id for key in keys],
        [key.wrapped.kek_version for key in keys],
        [key.wrapped.wrapped for key in keys],
    )


async def add_buyer_fields(uow: UnitOfWork, fields: Sequence[SealedFields], *, key_id: UUID, now: datetime) -> None:
    """Keep what buyers told us, sealed; what is kept already for a component stays."""
    await uow.raw.execute(
        _ADD_BUYER_FIELDS,
        key_id,
        now,
        [entry.component_id for entry in fields],
        [entry.order_id for entry in fields],
        [entry.sealed for entry in fields],
        [entry.masked for entry in fields],
    )


async def find_masks(uow: UnitOfWork, component_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The masked account of each component that has one."""
    return {row["component_id"]: row["masked"] for row in await uow.raw.fetch(_MASKS, component_ids)}


async def prune_buyer_fields(uow: UnitOfWork, *, before: datetime, limit: int) -> None:
    """Forget personal fields that nothing waits for any more."""
    await uow.raw.execute(_PRUNE_BUYER_FIELDS, before, limit)
