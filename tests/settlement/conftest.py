from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.database import Database
from tests.conftest import ServiceDatabaseMaker
from tests.settlement.desk import Desk, open_desk
from tests.settlement.house import House
from tests.support.databases import TestDatabase


@pytest.fixture
async def settlement_database(service_database: ServiceDatabaseMaker) -> TestDatabase:
    """A fresh settlement database."""
    return await service_database("settlement")


@pytest.fixture
async def house(settlement_database: TestDatabase) -> AsyncIterator[House]:
    """The settlement service without its edges."""
    database = Database.connect(settlement_database.url, pool_size=8, application_name="test")
    try:
        yield House(database)
    finally:
        await database.close()


@pytest.fixture
async def desk(settlement_database: TestDatabase, keys_directory: Path) -> AsyncIterator[Desk]:
    """The service over HTTP, as the gateway reaches it."""
    async with open_desk(settlement_database.url, keys_directory) as opened:
        yield opened
