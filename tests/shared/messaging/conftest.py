from collections.abc import AsyncIterator

import pytest

from shared.database import Database
from tests.shared.messaging.house import make_tables
from tests.support.databases import TestDatabase


@pytest.fixture
async def house(scratch_database: TestDatabase) -> AsyncIterator[Database]:
    """A database with messaging's tables and a table of effects."""
    database = Database.connect(scratch_database.url, pool_size=4, application_name="house")
    await make_tables(database)
    yield database
    await database.close()
