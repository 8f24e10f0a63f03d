"""Changing the tiers."""

from collections.abc import Sequence
from datetime import datetime

from services.membership.domain.tiers import Tier, TierTable, ladder
from services.membership.repository import tiers
from shared.database import UnitOfWork


async def change_table(uow: UnitOfWork, wanted: Sequence[Tier], *, operator: str, now: datetime) -> TierTable:
    """Put new tiers in force. Who pays or spends is judged by them at once; all others are looked at by a job.

    :raises TierTableInvalidError: the tiers do not make a ladder.
    """
    await tiers.lock_tables(uow)
    before = await tiers.current_table(uow)
    table = ladder(wanted, version=before.version + 1)
    await tiers.add_table(uow, table, created_by=operator, now=now)
    return table
