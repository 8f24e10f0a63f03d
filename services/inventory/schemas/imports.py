"""Files of cards."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.inventory.domain.importing import ImportState
from services.inventory.schemas.cards import BrokenLineOut

_LINES = [{"line": 3, "reason": "duplicate_in_stock"}]
_IMPORT: dict[str, Any] = {
    "import_id": "019ab2f0-7c00-7000-8000-000000000001",
    "sku_id": "019ab2f0-7c00-7000-8000-000000000002",
    "batch_id": "019ab2f0-7c00-7000-8000-000000000003",
    "state": "done",
    "received": 100_000,
    "sealed": 100_000,
    "stored": 99_999,
    "refused": 1,
    "imported_by": "019ab2f0-7c00-7000-8000-000000000004",
    "created_at": "2026-11-25T08:00:00Z",
    "ended_at": "2026-11-25T08:00:09Z",
    "lines": _LINES,
}
_PREVIEW: dict[str, Any] = {
    "received": 3,
    "valid": 2,
    "refused": 1,
    "reasons": {"duplicate_in_stock": 1},
    "lines": _LINES,
    "first": [{"line": 1, "masked": "****1234", "has_password": True, "has_serial": False, "uses": 1}],
}


class ImportOut(BaseModel):
    """A file of cards that is being taken in. Lines: `received`, of those `sealed` as cards, of those `stored` so far.

    `batch_id` is null where nothing was taken. `lines` are the first thousand that are refused.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_IMPORT]})

    import_id: UUID
    sku_id: UUID
    batch_id: UUID | None
    state: ImportState
    received: int
    sealed: int
    stored: int
    refused: int
    imported_by: str
    created_at: datetime
    ended_at: datetime | None = None
    lines: list[BrokenLineOut] = []


class ShownLineOut(BaseModel):
    """A line as it was understood, masked."""

    line: int
    masked: str
    has_password: bool
    has_serial: bool
    expires_at: datetime | None = None
    cost_minor: int | None = None
    uses: int


class PreviewOut(BaseModel):
    """What importing the file would come to now. Nothing was changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PREVIEW]})

    received: int
    valid: int
    refused: int
    reasons: dict[str, int]
    lines: list[BrokenLineOut]
    first: list[ShownLineOut]
