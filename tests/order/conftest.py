"""A running order service per test, and a second replica of it where a test asks for one."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import TestServer

from sandbox.payment.app import SandboxApp
from sandbox.payment.provider import Provider
from sandbox.payment.store import Store
from services.order.main import build
from services.order.settings import Settings
from shared.settings import Environment, ProcessRole, read_key
from tests.conftest import ServiceDatabaseMaker
from tests.order.mailroom import Mailroom, open_mailroom
from tests.order.neighbours import Inventory, Risk, Settlement, inventory_app, risk_app, settlement_app
from tests.order.shop import Shop


@dataclass
class Street:
    """Where shops stand: a database, an inventory, a risk, keys."""

    settings: Settings
    inventory: Inventory
    risk: Risk
    settlement: Settlement
    keys: Path
    stack: contextlib.AsyncExitStack

    async def open_shop(self) -> Shop:
        """One replica of the service."""
        app = build(self.settings)
        await self.stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app=app)
        http = await self.stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://order"))
        return Shop(
            app=app,
            http=http,
            inventory=self.inventory,
            risk=self.risk,
            settlement=self.settlement,
            identity_key=read_key(self.keys, "internal.key"),
            provider_key=read_key(self.keys, "payment-sandbox.key"),
        )


@pytest.fixture
async def street(service_database: ServiceDatabaseMaker, keys_directory: Path) -> AsyncIterator[Street]:
    database = await service_database("order")
    inventory, risk, settlement = Inventory(), Risk(), Settlement()
    async with contextlib.AsyncExitStack() as stack:
        stock_server = await stack.enter_async_context(TestServer(inventory_app(inventory)))
        risk_server = await stack.enter_async_context(TestServer(risk_app(risk)))
        settlement_server = await stack.enter_async_context(TestServer(settlement_app(settlement)))
        settings = Settings(
            environment=Environment.TEST,
            database_url=database.url,
            keys_dir=keys_directory,
            inventory_url=str(stock_server.make_url("")).rstrip("/"),
            risk_url=str(risk_server.make_url("")).rstrip("/"),
            settlement_url=str(settlement_server.make_url("")).rstrip("/"),
            risk_timeout_s=2,  # a busy machine must not look like a silent risk
            gateway_url="http://127.0.0.1:1",
            roles=frozenset({ProcessRole.API}),
        )
        yield Street(settings, inventory, risk, settlement, keys_directory, stack)


@pytest.fixture
async def shop(street: Street) -> Shop:
    """The service's api on a database of its own, between a real inventory and a real risk server of the test's making."""
    return await street.open_shop()


@pytest.fixture
async def replica(street: Street, shop: Shop) -> Shop:
    """A second process of the same service: it shares nothing with the first but the database and the neighbours."""
    del shop  # only its being there first
    return await street.open_shop()


@pytest.fixture
async def mailroom(keys_directory: Path) -> AsyncIterator[Mailroom]:
    """Where the shop's messages go."""
    async with open_mailroom(read_key(keys_directory, "internal.key")) as opened:
        yield opened


@pytest.fixture
async def provider(keys_directory: Path, tmp_path: Path) -> AsyncIterator[Provider]:
    """The sandbox provider itself, without its process. It notifies nobody: tests do that."""
    store = Store(tmp_path / "provider.sqlite")
    provider = Provider(store, key=read_key(keys_directory, "payment-sandbox.key"), merchant_id="kaquan-sandbox")
    provider.set_faults({"never": True})
    yield provider
    store.close()


@pytest.fixture
async def provider_http(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """The provider over HTTP, as order's jobs call it."""
    transport = httpx.ASGITransport(app=SandboxApp(provider, on_stop=lambda: None))
    async with httpx.AsyncClient(transport=transport) as client:
        yield client
