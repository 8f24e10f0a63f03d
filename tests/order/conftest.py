"""A running order service per test."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import TestServer

from services.order.main import build
from services.order.settings import Settings
from shared.settings import Environment, ProcessRole, read_key
from tests.conftest import ServiceDatabaseMaker
from tests.order.neighbours import Inventory, Risk, inventory_app, risk_app
from tests.order.shop import Shop


@pytest.fixture
async def shop(service_database: ServiceDatabaseMaker, keys_directory: Path) -> AsyncIterator[Shop]:
    """The service's api on a database of its own, between a real inventory and a real risk server of the test's making."""
    database = await service_database("order")
    inventory, risk = Inventory(), Risk()
    async with contextlib.AsyncExitStack() as stack:
        stock_server = await stack.enter_async_context(TestServer(inventory_app(inventory)))
        risk_server = await stack.enter_async_context(TestServer(risk_app(risk)))
        settings = Settings(
            environment=Environment.TEST,
            database_url=database.url,
            keys_dir=keys_directory,
            inventory_url=str(stock_server.make_url("")).rstrip("/"),
            risk_url=str(risk_server.make_url("")).rstrip("/"),
            roles=frozenset({ProcessRole.API}),
        )
        app = build(settings)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://order"))
        yield Shop(
            app=app,
            http=http,
            inventory=inventory,
            risk=risk,
            identity_key=read_key(keys_directory, "internal.key"),
            provider_key=read_key(keys_directory, "payment-sandbox.key"),
        )
