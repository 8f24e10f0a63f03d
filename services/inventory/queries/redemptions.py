"""What partners honoured: pages and files, of one partner or of all."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.redeeming import RedemptionChannel
from services.inventory.domain.redemption_files import ROWS_MAX, ExportTooLargeError, RedemptionRow
from services.inventory.queries.pages import after, after_moment, page, page_by_moment
from services.inventory.schemas import ConflictOut, RedemptionOut
from shared.database import UnitOfWork
from shared.http import Page

_COLUMNS = """redemption_id, redeemed_at, partner_id, store, terminal, cashier, channel, order_id, sku_id, entitlement_id, masked"""

_FOUND = f"""
SELECT {_COLUMNS} FROM redemptions
WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR store = $2)
  AND ($3::text IS NULL OR terminal = $3) AND ($4::text IS NULL OR cashier = $4)
  AND ($5::text IS NULL OR channel = $5) AND ($6::uuid IS NULL OR order_id = $6)
  AND ($7::uuid IS NULL OR sku_id = $7)
  AND ($8::timestamptz IS NULL OR redeemed_at >= $8) AND ($9::timestamptz IS NULL OR redeemed_at < $9)
"""  # noqa: S608  # the names are the columns above
_PAGE = _FOUND + " AND ($10::uuid IS NULL OR redemption_id < $10) ORDER BY redemption_id DESC LIMIT $11"
_ALL = _FOUND + " ORDER BY redemption_id LIMIT $10"

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

    @property
    def arguments(self) -> tuple[object, ...]:
        """In the order of the statement."""
        return (
            self.partner_id, self.store, self.terminal, self.cashier, self.channel and self.channel.value, self.order_id,
            self.sku_id, self.since, self.until,
        )  # fmt: skip


async def list_redemptions(
    read: UnitOfWork, wanted: RedemptionFilter, *, cursor: str | None, limit: int
) -> Page[RedemptionOut]:
    """What was honoured, the newest first."""
    rows = await read.raw.fetch(_PAGE, *wanted.arguments, after(cursor), limit + 1)
    return page([RedemptionOut(**row) for row in rows], limit=limit, key=lambda entry: entry.redemption_id)


async def find_for_file(read: UnitOfWork, wanted: RedemptionFilter) -> list[RedemptionRow]:
    """What was honoured, the oldest first, for one file.

    :raises ExportTooLargeError: there are more than a file may hold.
    """
    rows = await read.raw.fetch(_ALL, *wanted.arguments, ROWS_MAX + 1)
    if len(rows) > ROWS_MAX:
        raise ExportTooLargeError(f"a file holds at most {ROWS_MAX} redemptions: ask for a shorter period")
    return [RedemptionRow(**row) for row in rows]


async def list_conflicts(
    read: UnitOfWork, *, partner_id: UUID | None, cursor: str | None, limit: int
) -> Page[ConflictOut]:
    """What stores accepted and could not be honoured, the newest first."""
    rows = await read.raw.fetch(_CONFLICTS, partner_id, *after_moment(cursor), limit + 1)
    conflicts = [ConflictOut(**row) for row in rows]
    return page_by_moment(conflicts, limit=limit, key=lambda entry: (entry.recorded_at, entry.conflict_id))
