"""Card batches."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.inventory.schemas.base import PriceMinor


class BatchIn(BaseModel):
    """Cards as JSON: objects with code, password, serial, expires_at, or the codes alone. Checked one by one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    codes: list[object] = Field(repr=False)
    cost_minor: PriceMinor = 0


class BrokenLineOut(BaseModel):
    """A line that was not taken, and why; never what was in it."""

    line: int
    reason: str


class BatchResultOut(BaseModel):
    """What became of an import."""

    batch_id: UUID
    accepted: int
    refused: int
    lines: list[BrokenLineOut]
