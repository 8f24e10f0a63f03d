"""Operators look at a batch, freeze it, thaw it, void it, and see who did so before."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.batches import BatchUnknownError
from services.inventory.queries import batches as queries
from services.inventory.schemas import BatchActionOut, BatchOut, BatchPatch, BatchReasonIn
from services.inventory.usecases import batches
from shared.clock import utc_now
from shared.database import UnitOfWork
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, IdempotentCall, Page, PageSize, Reading, Work

routes = APIRouter(prefix="/v1/ops/batches/{batch_id}", tags=["cards"])


@routes.get("")
async def read_batch(batch_id: UUID, _: CatalogueOperator, read: Reading) -> BatchOut:
    """One batch with what became of its cards."""
    return await _read(read, batch_id)


@routes.patch("", response_model=BatchOut)
async def prioritise(
    batch_id: UUID, body: BatchPatch, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Say when the batch is sold, where its SKU sells by the priority of batches. The shelf follows within seconds."""
    return await _once(
        work,
        call,
        batch_id,
        lambda: batches.prioritise(
            work, batch_id, priority=body.priority, operator=caller.subject, reason=body.reason, now=utc_now()
        ),
    )


@routes.post("/freeze", response_model=BatchOut)
async def freeze(
    batch_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Nothing of the batch is sold until it is thawed. What buyers own stays theirs."""
    return await _once(
        work,
        call,
        batch_id,
        lambda: batches.freeze(work, batch_id, operator=caller.subject, reason=body.reason, now=utc_now()),
    )


@routes.post("/unfreeze", response_model=BatchOut)
async def unfreeze(
    batch_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """The batch is sold from again."""
    return await _once(
        work,
        call,
        batch_id,
        lambda: batches.unfreeze(work, batch_id, operator=caller.subject, reason=body.reason, now=utc_now()),
    )


@routes.post("/void", response_model=BatchOut)
async def void(
    batch_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """The unsold cards of the batch are gone for good. This cannot be undone."""
    return await _once(
        work,
        call,
        batch_id,
        lambda: batches.void(work, batch_id, operator=caller.subject, reason=body.reason, now=utc_now()),
    )


@routes.get("/actions")
async def list_actions(
    batch_id: UUID, _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[BatchActionOut]:
    """Who did what to the batch, and why, the newest first."""
    return await queries.list_actions(read, batch_id, cursor=cursor, limit=limit)


async def _once(work: UnitOfWork, call: IdempotentCall, batch_id: UUID, act: Callable[[], Awaitable[None]]) -> Response:
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    await act()
    acted = await _read(work, batch_id)
    return await call.keep(work, status=200, body=acted.model_dump_json().encode())


async def _read(read: UnitOfWork, batch_id: UUID) -> BatchOut:
    batch = await queries.find_batch(read, batch_id)
    if batch is None:
        raise BatchUnknownError(f"there is no batch {batch_id}")
    return batch
