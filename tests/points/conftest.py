from collections.abc import AsyncIterator

import pytest

from shared.database import Database
from tests.conftest import ServiceDatabaseMaker
from tests.points.house import House


@pytest.fixture
async def database(service_database: ServiceDatabaseMaker) -> AsyncIterator[Database]:
    """A fresh points database."""
    made = await service_database("points")
    connected = Database.connect(made.url, pool_size=8, application_name="test")
    try:
        yield connected
    finally:
        await connected.close()


@pytest.fixture
async def house(database: Database) -> House:
    """The points service without its edges."""
    return House(database)
