"""Batches and what is done to them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.inventory.domain.batches import BatchAction, BatchState
from services.inventory.domain.picking import PRIORITY_MAX
from services.inventory.schemas.base import Incoming

Reason = Annotated[str, Field(min_length=2, max_length=500, examples=["供应商通知该批次泄露"])]

_BATCH: dict[str, Any] = {
    "batch_id": "019ab2f0-7c00-7000-8000-000000000003",
    "sku_id": "019ab2f0-7c00-7000-8000-000000000002",
    "imported_by": "019ab2f0-7c00-7000-8000-000000000004",
    "imported_at": "2026-11-25T08:00:00Z",
    "state": "frozen",
    "priority": 100,
    "accepted": 1000,
    "refused": 0,
    "cost_minor": 800,
    "available": 0,
    "frozen": 640,
    "issued": 360,
    "revealed": 350,
    "redeemed": 120,
    "revoked": 2,
}


class BatchOut(BaseModel):
    """A batch with what became of its cards; one with several uses counts once for each, but in `accepted`.

    `issued` counts those not given back; `revealed`, `redeemed` and `revoked` are part of it.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_BATCH]})

    batch_id: UUID
    sku_id: UUID
    imported_by: str
    imported_at: datetime
    state: BatchState
    priority: int
    accepted: int
    refused: int
    cost_minor: int
    available: int
    frozen: int
    issued: int
    revealed: int
    redeemed: int
    revoked: int


class BatchReasonIn(Incoming):
    """Why something is done. It is kept for good."""

    reason: Reason


class BatchPatch(BatchReasonIn):
    """The place of a batch among those of its SKU, where that sells by priority: the lowest first."""

    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)]


class BatchActionOut(BaseModel):
    """What an operator did. `units` are the uses of cards that it moved, `cost_minor` what these cost."""

    action_id: UUID
    action: BatchAction
    operator: str
    reason: str
    units: int
    cost_minor: int
    acted_at: datetime
