from collections.abc import AsyncIterator

import pytest

from shared.database import Database
from tests.conftest import ServiceDatabaseMaker
from tests.settlement.house import House


@pytest.fixture
async def database(service_database: ServiceDatabaseMaker) -> AsyncIterator[Database]:
    """A fresh settlement database."""
    made = await service_database("settlement")
    connected = Database.connect(made.url, pool_size=8, application_name="test")
    try:
        yield connected
    finally:
        await connected.close()


@pytest.fixture
async def house(database: Database) -> House:
    """The settlement service without its edges."""
    return House(database)
