"""How far rotations of data keys are."""

from uuid import UUID

from services.inventory.queries.pages import after, page
from services.inventory.schemas import RotationOut
from shared.database import UnitOfWork
from shared.http import Page

_OF_BATCH = """
SELECT rotation_id, batch_id, accepted AS cards, resealed, operator, reason, started_at, ended_at
FROM key_rotations JOIN card_batches USING (batch_id)
WHERE batch_id = $1 AND rotation_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY rotation_id DESC LIMIT $3
"""


async def list_rotations(read: UnitOfWork, batch_id: UUID, *, cursor: str | None, limit: int) -> Page[RotationOut]:
    """The rotations of a batch's key, the newest first."""
    rows = await read.raw.fetch(_OF_BATCH, batch_id, after(cursor), limit + 1)
    return page([RotationOut(**row) for row in rows], limit=limit, key=lambda entry: entry.rotation_id)


async def find_newest(read: UnitOfWork, batch_id: UUID) -> RotationOut:
    """The newest rotation of a batch that is known to have one."""
    (row,) = await read.raw.fetch(_OF_BATCH, batch_id, None, 1)
    return RotationOut(**row)
