"""Files of cards and how far they are."""

from uuid import UUID

from services.inventory.domain.importing import REPORTED_LINES_MAX
from services.inventory.queries.pages import after, page
from services.inventory.schemas import BrokenLineOut, ImportOut
from shared.database import UnitOfWork
from shared.http import Page

_COLUMNS = """
SELECT import_id, sku_id, CASE state WHEN 'refused' THEN NULL ELSE batch_id END AS batch_id, state, received, sealed,
       stored, refused, imported_by, created_at, ended_at
FROM imports
"""
_ONE = _COLUMNS + "WHERE import_id = $1 AND sku_id = $2"
_LIST = (
    _COLUMNS
    + """
WHERE sku_id = $1 AND import_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY import_id DESC LIMIT $3
"""
)
_BROKEN = """
SELECT line, fault AS reason FROM import_lines WHERE import_id = $1 AND fault IS NOT NULL ORDER BY line LIMIT $2
"""


async def find_import(read: UnitOfWork, import_id: UUID, *, sku_id: UUID) -> ImportOut | None:
    """How far an import of this SKU is, with the lines that it refuses."""
    row = await read.raw.fetchrow(_ONE, import_id, sku_id)
    if row is None:
        return None
    broken = await read.raw.fetch(_BROKEN, import_id, REPORTED_LINES_MAX)
    return ImportOut(**row, lines=[BrokenLineOut(**line) for line in broken])


async def list_imports(read: UnitOfWork, sku_id: UUID, *, cursor: str | None, limit: int) -> Page[ImportOut]:
    """Imports of a SKU without their lines, the newest first."""
    rows = await read.raw.fetch(_LIST, sku_id, after(cursor), limit + 1)
    return page([ImportOut(**row) for row in rows], limit=limit, key=lambda entry: entry.import_id)
