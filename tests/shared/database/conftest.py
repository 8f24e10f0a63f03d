"""A database of one small table, and the engine-side view of it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.database import Database, metadata
from tests.support.databases import TestDatabase

METADATA = metadata("notes")
NOTES = Table(
    "notes",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("text", Text),
    Column("tag", Uuid),
    Column("detail", JSONB),
    CheckConstraint("id > 0", name="positive"),
)


@pytest.fixture
async def database(scratch_database: TestDatabase) -> AsyncIterator[Database]:
    opened = Database.connect(scratch_database.url, pool_size=3, application_name="test")
    async with opened.begin() as uow:
        await uow.sql.run_sync(METADATA.create_all)
    yield opened
    await opened.close()
