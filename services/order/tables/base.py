"""The MetaData all tables of this service stand on, and the column types they share."""

from enum import StrEnum

from sqlalchemy import DateTime
from sqlalchemy.dialects.postgresql import UUID

from shared.database import metadata

METADATA = metadata("order")

ID = UUID(as_uuid=True)
MOMENT = DateTime(timezone=True)


def one_of(column: str, values: type[StrEnum]) -> str:
    """The text of a check that a column holds one of an enum's values."""
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"
