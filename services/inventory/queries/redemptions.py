"""What partners honoured: pages and files, of one partner or of all."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.inventory.domain.redeeming import RedemptionChannel
from services.inventory.domain.redemption_files import ROWS_MAX, ExportTooLargeError, RedemptionRow
from services.inventory.queries.pages import after, after_moment, page, page_by_moment
from services.inventory.schemas import ConflictOut, RedemptionOpsOut, RedemptionOut
from shared.database import UnitOfWork
from shared.http import Page

_FILE_COLUMNS = tuple(column.name for column in fields(RedemptionRow))

Shown = TypeVar("Shown", RedemptionOut, RedemptionOpsOut)

_COLUMNS = """redemption_id, redeemed_at, partner_id, store, terminal, cashier, channel, order_id, sku_id, entitlement_id, masked,
undone_at, undone_by, undone_subject, undo_reason"""

_FOUND = f"""
SELECT {_COLUMNS} FROM redemptions
WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR store = $2)
  AND ($3::text IS NULL OR terminal = $3) AND ($4::text IS NULL OR cashier = $4)
  AND ($5::text IS NULL OR channel = $5) AND ($6::uuid IS NULL OR order_id = $6)
  AND ($7::uuid IS NULL OR sku_id = $7)
  AND ($8::timestamptz IS NULL OR redeemed_at >= $8) AND ($9::timestamptz IS NULL OR redeemed_at < $9)
  AND ($10::boolean IS NULL OR (undone_at IS NOT NULL) = $10)
"""  # noqa: S608  # the names are the columns above
_PAGE = _FOUND + " AND ($11::uuid IS NULL OR redemption_id < $11) ORDER BY redemption_id DESC LIMIT $12"
_ALL = _FOUND + " ORDER BY redemption_id LIMIT $11"
_ONE = f"SELECT {_COLUMNS} FROM redemptions WHERE redemption_id = $1"  # noqa: S608  # the columns above

_CONFLICTS = """
SELECT conflict_id, entitlement_id, partner_id, reason, store, terminal, cashier, accepted_at, recorded_at
FROM redemption_conflicts
WHERE ($1::uuid IS NULL OR partner_id = $1)
  AND ($2::timestamptz IS NULL OR (recorded_at, conflict_id) < ($2, $3::uuid))
ORDER BY recorded_at DESC, conflict_id DESC LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class RedemptionFilter:
    """Which redemptions are wanted; None is any. `[since, until)` is the time of redemption."""

    partner_id: UUID | None = None
    store: str | None = None
    terminal: str | None = None
    cashier: str | None = None
    channel: RedemptionChannel | None = None
    order_id: UUID | None = None
    sku_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    undone: bool | None = None

    @property
    def arguments(self) -> tuple[object, ...]:
        """In the order of the statement."""
        return (
            self.partner_id, self.store, self.terminal, self.cashier, self.channel and self.channel.value, self.order_id,
            self.sku_id, self.since, self.until, self.undone,
        )  # fmt: skip


async def list_redemptions(
    read: UnitOfWork, wanted: RedemptionFilter, shown: type[Shown], *, cursor: str | None, limit: int
) -> Page[Shown]:
    """What was honoured, the newest first."""
    rows = await read.raw.fetch(_PAGE, *wanted.arguments, after(cursor), limit + 1)
    return page([shown(**row) for row in rows], limit=limit, key=lambda entry: entry.redemption_id)


async def find_redemption(read: UnitOfWork, redemption_id: UUID, shown: type[Shown]) -> Shown:
    """One that is known to be there."""
    (row,) = await read.raw.fetch(_ONE, redemption_id)
    return shown(**row)


async def find_for_file(read: UnitOfWork, wanted: RedemptionFilter) -> list[RedemptionRow]:
    """What was honoured, the oldest first, for one file.

    :raises ExportTooLargeError: there are more than a file may hold.
    """
    rows = await read.raw.fetch(_ALL, *wanted.arguments, ROWS_MAX + 1)
    if len(rows) > ROWS_MAX:
        raise ExportTooLargeError(f"a file holds at most {ROWS_MAX} redemptions: ask for a shorter period")
    return [RedemptionRow(**{name: row[name] for name in _FILE_COLUMNS}) for row in rows]


async def list_conflicts(
    read: UnitOfWork, *, partner_id: UUID | None, cursor: str | None, limit: int
) -> Page[ConflictOut]:
    """What stores accepted and could not be honoured, the newest first."""
    rows = await read.raw.fetch(_CONFLICTS, partner_id, *after_moment(cursor), limit + 1)
    conflicts = [ConflictOut(**row) for row in rows]
    return page_by_moment(conflicts, limit=limit, key=lambda entry: (entry.recorded_at, entry.conflict_id))
