"""Sealing the ledger: one appender, block by block, behind everybody's back."""

import asyncio
from datetime import datetime

from services.settlement.domain.chain import Block
from services.settlement.repository import blocks
from shared.database import Database, UnitOfWork

JOURNALS_PER_BLOCK = 2_000
"""A block's leaves are then 64 kB, and one block takes a few hundredths of a second."""

FINAL_WITHIN_S = 2.0
"""How long to wait for transactions that hold older numbers; a posting takes milliseconds."""

_LOOK_AGAIN_S = 0.01


async def final_number(database: Database) -> int:
    """A journal number up to which nothing will appear any more: the newest there is, if its writers finish in time."""
    async with database.read() as uow:
        sealed = (await blocks.head(uow)).to_no
        reached = await blocks.horizon(uow, beyond_no=sealed)
    if reached is None:
        return sealed
    for _ in range(round(FINAL_WITHIN_S / _LOOK_AGAIN_S)):
        async with database.read() as uow:
            if await blocks.is_final(uow, reached):
                return reached.last_no
        await asyncio.sleep(_LOOK_AGAIN_S)
    return sealed


async def seal_block(uow: UnitOfWork, *, through_no: int, now: datetime) -> Block | None:
    """Seal the next block of journals up to a final number; None when all are sealed. One caller at a time."""
    return await blocks.seal(uow, await blocks.head(uow), through_no=through_no, at_most=JOURNALS_PER_BLOCK, now=now)
