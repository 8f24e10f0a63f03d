"""Exports and where they stand; never their files."""

from uuid import UUID

from services.inventory.queries.pages import after, page
from services.inventory.schemas import ExportOut
from shared.database import UnitOfWork
from shared.http import Page

_COLUMNS = """
SELECT export_id, batch_id, state, requested_by, reason, decided_by, cards, downloads, requested_at, decided_at
FROM card_exports
"""
_ONE = _COLUMNS + "WHERE export_id = $1"
_LIST = (
    _COLUMNS
    + """
WHERE export_id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY export_id DESC LIMIT $2
"""
)


async def find_export(read: UnitOfWork, export_id: UUID) -> ExportOut | None:
    row = await read.raw.fetchrow(_ONE, export_id)
    return None if row is None else ExportOut(**row)


async def list_exports(read: UnitOfWork, *, cursor: str | None, limit: int) -> Page[ExportOut]:
    """All exports, the newest first."""
    rows = await read.raw.fetch(_LIST, after(cursor), limit + 1)
    return page([ExportOut(**row) for row in rows], limit=limit, key=lambda entry: entry.export_id)
