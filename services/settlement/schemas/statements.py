"""Statements as partners and operators see them."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.settlement.domain.statement_files import FileFormat
from services.settlement.domain.statements import MovementKind
from shared.http import Page


class MovementOut(BaseModel):
    """All lines of one kind, added up."""

    kind: MovementKind
    lines: int
    amount_minor: int
    deferred_minor: int


class SummaryOut(BaseModel):
    """Opening and movement make closing; plus is in the partner's favour."""

    lines: int
    opening_minor: int
    movement_minor: int
    closing_minor: int = Field(description="what the partner is owed")
    opening_deferred_minor: int
    movement_deferred_minor: int
    closing_deferred_minor: int = Field(description="what becomes owed once it is redeemed")
    movements: list[MovementOut]


class FileOut(BaseModel):
    """A file of the statement, byte-identical whenever it is pulled."""

    format: FileFormat
    sha256: str
    size_bytes: int
    href: str


class StatementOut(BaseModel):
    """A statement. `provisional` while its period is open; `revision` counts final ones from 1."""

    statement_id: UUID
    partner_id: UUID
    partner_name: str
    period: str
    from_day: date
    to_day: date
    status: Literal["provisional", "final"]
    revision: int
    currency: str
    through_journal_no: int
    block_no: int | None
    block_hash: str | None
    summary: SummaryOut
    files: list[FileOut]
    drawn_at: datetime


StatementPage = Page[StatementOut]
