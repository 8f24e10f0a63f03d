"""Exports: asked for, decided, kept sealed for a while; and the canaries in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory.domain.exports import Export, ExportState
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_ADD = """
INSERT INTO card_exports (export_id, batch_id, state, requested_by, reason, requested_at)
SELECT $1, batch_id, 'requested', $3, $4, $5 FROM card_batches WHERE batch_id = $2 RETURNING true
"""

_LOCK = "SELECT export_id, batch_id, state, requested_by FROM card_exports WHERE export_id = $1 FOR UPDATE"

_REFUSE = "UPDATE card_exports SET state = 'refused', decided_by = $2, decided_at = $3 WHERE export_id = $1"

_FILL = """
UPDATE card_exports SET state = 'ready', decided_by = $2, cards = $3, key_id = $4, sealed = $5, decided_at = $6
WHERE export_id = $1
"""

_UNSOLD = """
SELECT card.card_id, card.sku_id, card.batch_id, card.sealed, key.kek_version, key.wrapped, unsold.expires_at, unsold.uses
FROM (
    SELECT card_id, min(expires_at) AS expires_at, count(*)::int AS uses FROM (
        SELECT card_id, expires_at FROM shelf
        WHERE sku_id = (SELECT sku_id FROM card_batches WHERE batch_id = $1) AND card_id > $1 AND batch_id = $1
          AND card_id <= (SELECT card_id FROM cards WHERE cards.batch_id = $1 ORDER BY card_id DESC LIMIT 1)
        UNION ALL SELECT card_id, expires_at FROM frozen_cards WHERE batch_id = $1
    ) AS unit GROUP BY card_id ORDER BY card_id LIMIT $2
) AS unsold
JOIN cards card ON card.card_id = unsold.card_id
JOIN card_batches batch ON batch.batch_id = card.batch_id
JOIN data_keys key ON key.key_id = coalesce(card.key_id, batch.key_id)
"""

_FILE = """
SELECT export.sealed, key.kek_version, key.wrapped FROM card_exports export JOIN data_keys key USING (key_id)
WHERE export.export_id = $1
"""

_COUNT_DOWNLOAD = "UPDATE card_exports SET downloads = downloads + 1 WHERE export_id = $1"

_EXPIRE = """
WITH old AS (
    SELECT export_id, key_id FROM card_exports WHERE state = 'ready' AND decided_at < $1
    ORDER BY decided_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE card_exports SET state = 'expired', sealed = NULL, key_id = NULL FROM old
WHERE card_exports.export_id = old.export_id RETURNING old.key_id
"""
_FORGET_KEYS = "DELETE FROM data_keys WHERE key_id = ANY($1::uuid[])"

_ADD_CANARIES = "INSERT INTO canaries (code_index, export_id) SELECT unnest($1::bytea[]), $2"

_FIND_CANARIES = """
SELECT DISTINCT canary.export_id, export.batch_id FROM canaries canary JOIN card_exports export USING (export_id)
WHERE canary.code_index = ANY($1::bytea[])
"""


@dataclass(frozen=True, slots=True)
class UnsoldCard:
    """A card that nobody has bought, still sealed."""

    card_id: UUID
    sku_id: UUID
    batch_id: UUID
    sealed: bytes = field(repr=False)
    key: WrappedKey
    expires_at: datetime | None
    uses: int


async def add_export(
    uow: UnitOfWork, export_id: UUID, batch_id: UUID, *, operator: str, reason: str, now: datetime
) -> bool:
    """Write down that an export is wanted; False: there is no such batch."""
    return bool(await uow.raw.fetchval(_ADD, export_id, batch_id, operator, reason, now))


async def lock_export(uow: UnitOfWork, export_id: UUID) -> Export | None:
    row = await uow.raw.fetchrow(_LOCK, export_id)
    if row is None:
        return None
    return Export(row["export_id"], row["batch_id"], ExportState(row["state"]), row["requested_by"])


async def refuse_export(uow: UnitOfWork, export_id: UUID, *, operator: str, now: datetime) -> None:
    await uow.raw.execute(_REFUSE, export_id, operator, now)


async def find_unsold(uow: UnitOfWork, batch_id: UUID, *, limit: int) -> list[UnsoldCard]:
    """The cards of the batch that are on the shelf or frozen, with the uses that are left of each."""
    return [
        UnsoldCard(
            row["card_id"],
            row["sku_id"],
            row["batch_id"],
            row["sealed"],
            WrappedKey(row["kek_version"], row["wrapped"]),
            row["expires_at"],
            row["uses"],
        )
        for row in await uow.raw.fetch(_UNSOLD, batch_id, limit)
    ]


async def fill_export(
    uow: UnitOfWork, export_id: UUID, *, operator: str, cards: int, key_id: UUID, sealed: bytes, now: datetime
) -> None:
    """The export is approved, and this is its file.

    :raises asyncpg.CheckViolationError: who approves is who asked (`ck_card_exports_four_eyes`).
    """
    await uow.raw.execute(_FILL, export_id, operator, cards, key_id, sealed, now)


async def take_file(uow: UnitOfWork, export_id: UUID) -> tuple[bytes, WrappedKey]:
    """The file of an export that is ready, sealed, with its key; and count that it was taken.

    :raises LookupError: there is none.
    """
    row = await uow.raw.fetchrow(_FILE, export_id)
    if row is None:
        raise LookupError(f"export {export_id} has no file")
    await uow.raw.execute(_COUNT_DOWNLOAD, export_id)
    return row["sealed"], WrappedKey(row["kek_version"], row["wrapped"])


async def expire_files(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Forget files that were made before then, with their keys; answers how many."""
    key_ids = [row["key_id"] for row in await uow.raw.fetch(_EXPIRE, before, limit)]
    await uow.raw.execute(_FORGET_KEYS, key_ids)
    return len(key_ids)


async def add_canaries(uow: UnitOfWork, export_id: UUID, indexes: Sequence[bytes]) -> None:
    await uow.raw.execute(_ADD_CANARIES, indexes, export_id)


async def find_canaries(uow: UnitOfWork, indexes: Sequence[bytes]) -> list[tuple[UUID, UUID]]:
    """The exports of which a canary is among these blind indexes, as `(export_id, batch_id)`."""
    rows = await uow.raw.fetch(_FIND_CANARIES, indexes)
    return [(row["export_id"], row["batch_id"]) for row in rows]
