"""What the dashboard shows."""

from pydantic import BaseModel


class WaitingSplits(BaseModel):
    """Components that wait for a fact before their split."""

    count: int
    oldest_s: float


class FiguresOut(BaseModel):
    """Settlement at a glance. Money is in minor units, by currency."""

    payable_minor: dict[str, int]
    deferred_minor: dict[str, int]
    unearned_minor: dict[str, int]
    points_liability_minor: dict[str, int]
    provider_receivable_minor: dict[str, int]
    splits_waiting: dict[str, WaitingSplits]
    head_block_no: int
    head_hash: str
    unsealed_journals: int
    partners: int
    statements: int
