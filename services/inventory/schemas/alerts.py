"""What operators should look after: cards that will expire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

_EXPIRING: dict[str, Any] = {
    "batch_id": "019ab2f0-7c00-7000-8000-000000000003",
    "sku_id": "019ab2f0-7c00-7000-8000-000000000002",
    "name": "一个月",
    "units": 120,
    "cost_minor": 96_000,
    "first_expires_at": "2026-12-01T16:00:00Z",
}


class ExpiringOut(BaseModel):
    """Unsold cards of one batch that expire soon: how many, what they cost, and when the first of them does."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXPIRING]})

    batch_id: UUID
    sku_id: UUID
    name: str
    units: int
    cost_minor: int
    first_expires_at: datetime
