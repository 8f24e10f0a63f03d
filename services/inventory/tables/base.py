"""The MetaData, what every service keeps (outbox, inbox, parked records, idempotency keys), and column shorthands."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Uuid

from shared.database import metadata
from shared.http import idempotency_table
from shared.messaging import inbox_table, outbox_table, parked_table

METADATA = metadata("inventory")

for make_table in (outbox_table, inbox_table, parked_table, idempotency_table):
    make_table(METADATA)


def id_column(name: str, *arguments: Any, primary_key: bool = False, nullable: bool = False) -> Column[UUID]:
    """A column that holds an id."""
    return Column(name, Uuid, *arguments, primary_key=primary_key, nullable=nullable)


def moment_column(name: str, *, nullable: bool = False) -> Column[datetime]:
    """A column that holds an aware moment."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def one_of(column: str, values: Iterable[StrEnum], *, name: str) -> CheckConstraint:
    """The column holds one of an enumeration's values. Text with a check: adding a value is a short migration."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)
