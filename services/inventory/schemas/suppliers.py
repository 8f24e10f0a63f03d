"""How suppliers fare."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.inventory.domain.health import CircuitState
from services.inventory.schemas.base import Incoming


class SupplierHealthOut(BaseModel):
    """A supplier's last minute, and whether orders are kept from it.

    `success_rate_bp` is the share of calls that were answered and did not fail, in ten-thousandths; null without calls.
    `probe_after`: while the circuit is open, when one order may find out; null: a person has to close it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "supplier_id": "0199d2a0-0000-7000-8000-000000000001",
                "circuit": "open",
                "by_hand": False,
                "reason": "5_of_5_calls_lost",
                "changed_at": "2026-11-25T02:00:00Z",
                "probe_after": "2026-11-25T02:00:30Z",
                "window_s": 60,
                "calls": 5,
                "answered": 0,
                "failed": 0,
                "not_understood": 1,
                "unreachable": 4,
                "success_rate_bp": 0,
                "latency_ms_mean": 4,
                "latency_ms_max": 12,
                "open_tasks": 1,
                "unknown_tasks": 1,
            }
        }
    )

    supplier_id: UUID
    circuit: CircuitState
    by_hand: bool
    reason: str
    changed_at: datetime | None = None
    probe_after: datetime | None = None
    window_s: int
    calls: int
    answered: int
    failed: int
    not_understood: int
    unreachable: int
    success_rate_bp: int | None = None
    latency_ms_mean: int | None = None
    latency_ms_max: int
    open_tasks: int
    unknown_tasks: int


class CircuitIn(Incoming):
    """Keep new orders from a supplier until somebody closes the circuit again, or let them flow."""

    model_config = ConfigDict(json_schema_extra={"example": {"closed": False, "reason": "maintenance until 18:00"}})

    closed: bool
    reason: Annotated[str, Field(min_length=1, max_length=200)]
