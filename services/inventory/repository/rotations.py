"""Rotations of data keys: where they are, and cards sealed anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory.domain.rotations import Rotation
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_KEY_OF_BATCH = "SELECT key_id FROM card_batches WHERE batch_id = $1 FOR UPDATE"

_BEGIN = """
INSERT INTO key_rotations (rotation_id, batch_id, old_key_id, new_key_id, after_card_id, operator, reason, started_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (batch_id) WHERE ended_at IS NULL DO NOTHING RETURNING true
"""

_TAKE = """
SELECT rotation_id, batch_id, old_key_id, new_key_id, after_card_id, resealed FROM key_rotations
WHERE ended_at IS NULL ORDER BY batch_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_KEY = "SELECT kek_version, wrapped FROM data_keys WHERE key_id = $1"

_NEXT_CARDS = """
SELECT card_id, sku_id, sealed FROM cards WHERE batch_id = $1 AND card_id > $2 ORDER BY card_id LIMIT $3
"""

_RESEAL = """
UPDATE cards SET sealed = anew.sealed, key_id = $1
FROM unnest($2::uuid[], $3::bytea[]) AS anew (card_id, sealed) WHERE cards.card_id = anew.card_id
"""

_GO_ON = "UPDATE key_rotations SET after_card_id = $2, resealed = $3 WHERE rotation_id = $1"

_END = "UPDATE key_rotations SET ended_at = $2 WHERE rotation_id = $1"
_GIVE_KEY = "UPDATE card_batches SET key_id = $2 WHERE batch_id = $1"
_FORGET_KEY = "DELETE FROM data_keys WHERE key_id = $1"


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card as it lies in the database."""

    card_id: UUID
    sku_id: UUID
    sealed: bytes = field(repr=False)


async def find_key_of_batch(uow: UnitOfWork, batch_id: UUID) -> UUID | None:
    """The data key of the batch, which stays its own until this transaction ends."""
    key_id: UUID | None = await uow.raw.fetchval(_KEY_OF_BATCH, batch_id)
    return key_id


async def begin_rotation(uow: UnitOfWork, rotation: Rotation, *, operator: str, reason: str, now: datetime) -> bool:
    """Write the rotation down; False: the batch is on its way to another key already."""
    begun = await uow.raw.fetchval(
        _BEGIN,
        rotation.rotation_id,
        rotation.batch_id,
        rotation.old_key_id,
        rotation.new_key_id,
        rotation.after_card_id,
        operator,
        reason,
        now,
    )
    return begun is not None


async def take_rotation(uow: UnitOfWork) -> Rotation | None:
    """A rotation under way, locked; those that another process is at are left out."""
    row = await uow.raw.fetchrow(_TAKE)
    return None if row is None else Rotation(*row)


async def find_key(uow: UnitOfWork, key_id: UUID) -> WrappedKey:
    """A data key that is known to be there.

    :raises LookupError: it is not.
    """
    row = await uow.raw.fetchrow(_KEY, key_id)
    if row is None:
        raise LookupError(f"there is no data key {key_id}")
    return WrappedKey(row["kek_version"], row["wrapped"])


async def next_cards(uow: UnitOfWork, rotation: Rotation, *, limit: int) -> list[StoredCard]:
    """The next cards that are still under the old key."""
    rows = await uow.raw.fetch(_NEXT_CARDS, rotation.batch_id, rotation.after_card_id, limit)
    return [StoredCard(row["card_id"], row["sku_id"], row["sealed"]) for row in rows]


async def reseal(uow: UnitOfWork, rotation: Rotation, cards: Sequence[StoredCard]) -> None:
    """Store these cards as they are now sealed, under the new key, and how far the rotation is."""
    await uow.raw.execute(
        _RESEAL, rotation.new_key_id, [card.card_id for card in cards], [card.sealed for card in cards]
    )
    await uow.raw.execute(_GO_ON, rotation.rotation_id, cards[-1].card_id, rotation.resealed + len(cards))


async def end_rotation(uow: UnitOfWork, rotation: Rotation, *, now: datetime) -> None:
    """The new key is the batch's, and the old one is gone: what was copied of it opens nothing here any more."""
    await uow.raw.execute(_END, rotation.rotation_id, now)
    await uow.raw.execute(_GIVE_KEY, rotation.batch_id, rotation.new_key_id)
    await uow.raw.execute(_FORGET_KEY, rotation.old_key_id)
