"""Rotations of data keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

_ROTATION: dict[str, Any] = {
    "rotation_id": "019ab2f0-7c00-7000-8000-000000000005",
    "batch_id": "019ab2f0-7c00-7000-8000-000000000003",
    "cards": 1000,
    "resealed": 400,
    "operator": "019ab2f0-7c00-7000-8000-000000000004",
    "reason": "年度密钥轮换",
    "started_at": "2026-11-25T08:00:00Z",
    "ended_at": None,
}


class RotationOut(BaseModel):
    """A batch on its way to a new data key: of its `cards` so many are `resealed`. It is through when it has ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROTATION]})

    rotation_id: UUID
    batch_id: UUID
    cards: int
    resealed: int
    operator: str
    reason: str
    started_at: datetime
    ended_at: datetime | None = None
