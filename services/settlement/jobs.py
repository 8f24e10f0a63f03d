"""What time does to settlement: the ledger is sealed, statements are drawn, the chain is read again, old rows go."""

from datetime import datetime, timedelta

from services.settlement.domain.statements import StatementDriftError
from services.settlement.queries.channels import drifted_channels
from services.settlement.queries.verify import verify_ledger
from services.settlement.usecases.sealing import final_number, seal_block
from services.settlement.usecases.statements import (
    draw_statements,
    due_statements,
    forget_provisional_statements,
)
from shared.clock import Clock
from shared.database import Database, UnitOfWork
from shared.http import prune_idempotency
from shared.messaging import prune_inbox, prune_outbox
from shared.observability import Gauge, get_logger

log = get_logger(__name__)

BLOCKS_PER_TICK = 100
STATEMENTS_PER_TICK = 500
ROWS_PER_TRANSACTION = 1_000
TRANSACTIONS_PER_TICK = 200
ANSWERS_KEPT = timedelta(days=2)

_LEDGER_OK = Gauge("ledger_ok", "Whether the last verification found the ledger as it was sealed", [])
_SEALED_BLOCKS = Gauge("ledger_blocks", "Blocks in the ledger's chain", [])


async def seal(database: Database, clock: Clock) -> None:
    """Seal what has been committed since the last time."""
    async with database.exclusive("settlement.seal") as ours:
        if not ours:
            return
        through_no = await final_number(database)
        for _ in ours.rounds(BLOCKS_PER_TICK):
            async with database.begin() as uow:
                block = await seal_block(uow, through_no=through_no, now=clock())
            if block is None:
                return
            _SEALED_BLOCKS.set(block.block_no)


async def cut_off(database: Database, clock: Clock) -> None:
    """Draw the statements of the days and months that are over, and revise those into which something was posted."""
    async with database.exclusive("settlement.cut_off") as ours:
        if not ours:
            return
        async with database.read() as uow:
            waiting = await due_statements(uow, now=clock(), limit=STATEMENTS_PER_TICK)
        for partner_id, period in waiting:
            if not ours:
                return
            try:
                await draw_statements(database, partner_id=partner_id, period=period, now=clock())
            except StatementDriftError:  # somebody must look; the other partners get theirs
                log.exception("statement.drifted", partner_id=str(partner_id), period=period.name)
        if waiting:
            log.info("statements.drawn", periods=len(waiting))


async def verify(database: Database) -> None:
    """Read the whole ledger again. What is wrong is logged as an error and shown by a metric, for somebody to look."""
    async with database.exclusive("settlement.verify") as ours:
        if not ours:
            return
        outcome = await verify_ledger(database)
        async with database.read() as uow:
            drifted = await drifted_channels(uow)
    if drifted:
        log.error("channels.drifted", channel_ids=[str(channel_id) for channel_id in drifted])
    _LEDGER_OK.set(outcome.ok and not drifted)
    if outcome.first_wrong is None:
        log.info("ledger.verified", journals=outcome.journals, took_ms=outcome.took_ms)
    else:
        log.error("ledger.wrong", **outcome.first_wrong.model_dump(mode="json"))


async def forget(database: Database, clock: Clock) -> None:
    """Forget what messaging, idempotency keys and provisional statements are kept for only a while."""
    async with database.exclusive("settlement.forget") as ours:
        for _ in ours.rounds(TRANSACTIONS_PER_TICK):
            async with database.begin() as uow:
                found = await _forget(uow, clock())
            if found < ROWS_PER_TRANSACTION:
                return


async def _forget(uow: UnitOfWork, now: datetime) -> int:
    await prune_idempotency(uow, before=now - ANSWERS_KEPT, limit=ROWS_PER_TRANSACTION)
    return max(
        await prune_outbox(uow, now=now, limit=ROWS_PER_TRANSACTION),
        await prune_inbox(uow, now=now, limit=ROWS_PER_TRANSACTION),
        await forget_provisional_statements(uow, now=now, limit=ROWS_PER_TRANSACTION),
    )
