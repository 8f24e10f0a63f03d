"""Exports of unsold codes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.inventory.domain.exports import ExportState

_EXPORT: dict[str, Any] = {
    "export_id": "019ab2f0-7c00-7000-8000-000000000006",
    "batch_id": "019ab2f0-7c00-7000-8000-000000000003",
    "state": "ready",
    "requested_by": "019ab2f0-7c00-7000-8000-000000000004",
    "reason": "退回供应商",
    "decided_by": "019ab2f0-7c00-7000-8000-000000000007",
    "cards": 640,
    "downloads": 0,
    "requested_at": "2026-11-25T08:00:00Z",
    "decided_at": "2026-11-25T08:05:00Z",
}


class ExportOut(BaseModel):
    """An export of a batch's unsold codes: `requested` until another operator decides; `ready` for a day."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXPORT]})

    export_id: UUID
    batch_id: UUID
    state: ExportState
    requested_by: str
    reason: str
    decided_by: str | None = None
    cards: int | None = None
    downloads: int
    requested_at: datetime
    decided_at: datetime | None = None
