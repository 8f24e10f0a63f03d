"""A risk service on a database of its own, asked over HTTP as the others ask it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from services.risk.main import build
from services.risk.settings import Settings
from shared.database import Database
from shared.settings import Environment, ProcessRole
from tests.conftest import ServiceDatabaseMaker
from tests.risk.client import RiskClient, client_of
from tests.support.databases import TestDatabase


@pytest.fixture
async def risk_database(service_database: ServiceDatabaseMaker) -> TestDatabase:
    return await service_database("risk")


@pytest.fixture
async def database(risk_database: TestDatabase) -> AsyncIterator[Database]:
    """The service's database as a second process would open it."""
    opened = Database.connect(risk_database.url, pool_size=4, application_name="tests")
    yield opened
    await opened.close()


@pytest.fixture
def settings(risk_database: TestDatabase, keys_directory: Path) -> Settings:
    """One process with the role api; limits as in production."""
    return Settings(
        environment=Environment.TEST,
        database_url=risk_database.url,
        keys_dir=keys_directory,
        roles=frozenset({ProcessRole.API}),
        threshold_scale=1,
    )


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[FastAPI, RiskClient]]:
    """The application between its start and its stop."""
    app = build(settings)
    async with app.router.lifespan_context(app), client_of(app, settings.keys_dir) as client:
        yield app, client


@pytest.fixture
async def risk(settings: Settings) -> AsyncIterator[RiskClient]:
    async with running(settings) as (_, client):
        yield client
