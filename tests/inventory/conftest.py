from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from services.inventory.main import build
from services.inventory.settings import Settings
from services.inventory.usecases.importing import CardSealer
from shared.crypto import Keyring
from shared.database import Database
from shared.http import IdentitySigner
from shared.settings import Environment, ProcessRole, read_key
from tests.conftest import ServiceDatabaseMaker
from tests.inventory.door import Door
from tests.inventory.neighbours import Orders, Risk, running_orders, running_risk
from tests.inventory.world import World
from tests.support.databases import TestDatabase


@pytest.fixture
async def inventory_database(service_database: ServiceDatabaseMaker) -> TestDatabase:
    return await service_database("inventory")


@pytest.fixture
async def database(inventory_database: TestDatabase) -> AsyncIterator[Database]:
    database = Database.connect(inventory_database.url, pool_size=20, application_name="tests")
    yield database
    await database.close()


@pytest.fixture
def keyring(keys_directory: Path) -> Keyring:
    return Keyring.from_file(keys_directory / "kek.json")


@pytest.fixture
def sealer(keyring: Keyring, keys_directory: Path) -> CardSealer:
    return CardSealer(keyring, read_key(keys_directory, "blind-index.key"))


@pytest.fixture
def world(database: Database, keyring: Keyring, sealer: CardSealer) -> World:
    return World(database, keyring, sealer)


@pytest.fixture
async def risk() -> AsyncIterator[Risk]:
    async with running_risk() as risk:
        yield risk


@pytest.fixture
async def orders() -> AsyncIterator[Orders]:
    async with running_orders() as orders:
        yield orders


@pytest.fixture
def settings(inventory_database: TestDatabase, keys_directory: Path, risk: Risk) -> Settings:
    """One process with the role api."""
    return Settings(
        environment=Environment.TEST,
        database_url=inventory_database.url,
        keys_dir=keys_directory,
        risk_url=risk.url,
        risk_timeout_s=3.0,  # a machine that runs many tests may pause for longer than a shop may
        risk_within_s=3.0,
        roles=frozenset({ProcessRole.API}),
    )


@asynccontextmanager
async def open_door(settings: Settings) -> AsyncIterator[Door]:
    """A running process of the service."""
    app = build(settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://inventory") as http,
    ):
        yield Door(http, IdentitySigner(read_key(settings.keys_dir, "internal.key"), "tests"))


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    async with open_door(settings) as door:
        yield door
