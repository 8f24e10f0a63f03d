"""Fixtures for every test: a real PostgreSQL, a real broker, keys. Each server starts when the first test asks."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from dev.stack import keys, postgres
from dev.stack.ports import find_free_ports
from dev.stack.postgres import PostgresServer
from tests.support.brokers import TestBroker, empty_all_topics, make_contract_topics, start_test_broker
from tests.support.databases import DatabaseServer, TestDatabase
from tests.support.session import TestSession, open_test_session
from tests.support.world import World

pytest_plugins = ("tests.support.plugin",)

ServiceDatabaseMaker = Callable[[str], Awaitable[TestDatabase]]


@pytest.fixture(scope="session")
def session_directory() -> Iterator[TestSession]:
    """Where this session's servers live; they are ended, by process id, with the session."""
    with open_test_session() as session:
        yield session


@pytest.fixture(scope="session")
def postgres_server(session_directory: TestSession) -> PostgresServer:
    """The session's PostgreSQL, as durable as in production."""
    server = PostgresServer(
        directory=session_directory.directory / postgres.NAME,
        port=find_free_ports(1)[0],
        supervisor=session_directory.supervisor,
        say=print,
        configuration={"log_min_duration_statement": "-1"},
    )
    server.start()
    return server


@pytest.fixture(scope="session")
def database_server(postgres_server: PostgresServer) -> DatabaseServer:
    """For fixtures of a wider scope: `async with database_server.database("order") as database`."""
    return DatabaseServer(postgres_server)


@pytest.fixture
async def service_database(database_server: DatabaseServer) -> AsyncIterator[ServiceDatabaseMaker]:
    """`await service_database("order")`: a fresh database with that service's migrated schema, gone after the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(service: str) -> TestDatabase:
            return await stack.enter_async_context(database_server.database(service))

        yield make


@pytest.fixture
async def scratch_database(database_server: DatabaseServer) -> AsyncIterator[TestDatabase]:
    """A fresh, empty database, gone after the test."""
    async with database_server.scratch() as database:
        yield database


@pytest.fixture(scope="session")
def broker(session_directory: TestSession) -> TestBroker:
    """The session's broker, with every topic of the contracts. Topics are shared: use a group of your own."""
    started = start_test_broker(session_directory)
    make_contract_topics(started)
    return started


@pytest.fixture
async def fresh_topics(broker: TestBroker) -> TestBroker:
    """The session's broker with every topic emptied. The embedded broker cannot forget: read past older records."""
    if broker.is_kafka:
        await empty_all_topics(broker.bootstrap)
    return broker


@pytest.fixture(scope="session")
def keys_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete set of keys, as KAQUAN_KEYS_DIR names it."""
    directory = tmp_path_factory.mktemp("keys")
    keys.make_missing(directory)
    return directory


@pytest.fixture(scope="session")
def world(session_directory: TestSession) -> World:
    """A whole stack of the session's own, with every service: for journeys, and to be broken."""
    return World.create(session_directory.world, print)
