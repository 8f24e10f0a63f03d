"""What operators do to a batch after its import. Each act is audited, and the counters follow with it."""

from datetime import datetime
from uuid import UUID

from services.inventory.domain.batches import (
    BatchAction,
    BatchBusyError,
    BatchFacts,
    BatchState,
    BatchUnknownError,
    check_batch_move,
)
from services.inventory.repository import batches, shelf, stock
from services.inventory.repository.batches import Action, Moved
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)


async def freeze(uow: UnitOfWork, batch_id: UUID, *, operator: str, reason: str, now: datetime) -> None:
    """Nothing of the batch is sold any more, until it thaws. Orders for which too little is left lose their hold.

    :raises BatchUnknownError: there is no such batch.
    :raises BatchMoveError: it is frozen or void already.
    :raises BatchBusyError: it is still being imported, or orders are taking its cards right now.
    """
    batch = await _lock(uow, batch_id, to=BatchState.FROZEN)
    moved = await _take_off(uow, batch)
    await _audit(uow, batch, BatchAction.FREEZE, moved, operator=operator, reason=reason, now=now)


async def unfreeze(uow: UnitOfWork, batch_id: UUID, *, operator: str, reason: str, now: datetime) -> None:
    """The batch is sold from again.

    :raises BatchUnknownError: there is no such batch.
    :raises BatchMoveError: it is not frozen.
    :raises BatchBusyError: it is still being imported.
    """
    batch = await _lock(uow, batch_id, to=BatchState.ACTIVE)
    moved = await batches.thaw(uow, batch)
    stock.stock_moves(uow).put_on(batch.sku_id, moved.units)
    await _audit(uow, batch, BatchAction.UNFREEZE, moved, operator=operator, reason=reason, now=now)


async def void(uow: UnitOfWork, batch_id: UUID, *, operator: str, reason: str, now: datetime) -> None:
    """Its unsold cards are gone for good; the audit keeps how many and what they cost. Their codes stay known.

    :raises BatchUnknownError: there is no such batch.
    :raises BatchMoveError: it is void already.
    :raises BatchBusyError: it is still being imported, or orders are taking its cards right now.
    """
    batch = await _lock(uow, batch_id, to=BatchState.VOID)
    await _take_off(uow, batch)
    moved = await batches.drop_frozen(uow, batch_id)
    await _audit(uow, batch, BatchAction.VOID, moved, operator=operator, reason=reason, now=now)


async def prioritise(
    uow: UnitOfWork, batch_id: UUID, *, priority: int, operator: str, reason: str, now: datetime
) -> None:
    """Where the SKU sells by the priority of batches, the lowest goes first.

    :raises BatchUnknownError: there is no such batch.
    """
    batch = await _find(uow, batch_id)
    await batches.set_priority(uow, batch_id, priority)
    await shelf.begin_sorting(uow, batch.sku_id)
    await _audit(uow, batch, BatchAction.PRIORITISE, Moved(), operator=operator, reason=reason, now=now)


async def _lock(uow: UnitOfWork, batch_id: UUID, *, to: BatchState) -> BatchFacts:
    batch = await _find(uow, batch_id)
    check_batch_move(batch.state, to)
    if await batches.is_being_imported(uow, batch_id):
        raise BatchBusyError("the batch is still being imported")
    await batches.set_state(uow, batch_id, to)
    return batch


async def _find(uow: UnitOfWork, batch_id: UUID) -> BatchFacts:
    batch = await batches.lock_batch(uow, batch_id)
    if batch is None:
        raise BatchUnknownError(f"there is no batch {batch_id}")
    return batch


async def _take_off(uow: UnitOfWork, batch: BatchFacts) -> Moved:
    """Off the shelf and out of the counters; of what is then held too much, the promises that end soonest go first."""
    moved = await batches.freeze(uow, batch)
    stock.stock_moves(uow).put_on(batch.sku_id, -moved.units)
    free = (await stock.lock_stock(uow, [batch.sku_id])).get(batch.sku_id)
    if free is not None and free < 0:
        free += await stock.cut_holds(uow, batch.sku_id, units=-free)
        if free < 0:
            raise BatchBusyError("orders are taking cards of this batch right now")
    return moved


async def _audit(
    uow: UnitOfWork, batch: BatchFacts, action: BatchAction, moved: Moved, *, operator: str, reason: str, now: datetime
) -> None:
    log.info("batch.acted_on", action=action.value, batch_id=batch.batch_id, operator=operator, units=moved.units)
    await batches.add_action(uow, Action(new_id(), batch.batch_id, action, operator, reason, moved), now=now)
