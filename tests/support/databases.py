"""Real PostgreSQL databases for tests: a schema made by migrations once, then copied for each test that asks."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dev.stack import databases
from dev.stack.layout import REPOSITORY
from dev.stack.postgres import PostgresServer

TEST_PASSWORD = "only-for-tests"
SCRATCH = "scratch"


@dataclass(frozen=True)
class TestDatabase:
    """One database with the role that owns it. `url` is for SQLAlchemy, `dsn` for asyncpg itself."""

    __test__ = False

    name: str
    dsn: str

    @property
    def url(self) -> str:
        return self.dsn.replace("postgresql://", "postgresql+asyncpg://", 1)

    @property
    def migration_environment(self) -> dict[str, str]:
        """What `python -m shared.database.migrate` reads; the role is named after the service."""
        service = self.dsn.split("//", 1)[1].split(":", 1)[0]
        return {f"KAQUAN_{service.upper()}_DATABASE_URL": self.url}


@dataclass(frozen=True)
class DatabaseServer:
    """Makes databases on the session's server. Templates are migrated once per session and service."""

    server: PostgresServer
    templates: dict[str, str] = field(default_factory=dict)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[TestDatabase]:
        """A fresh database of this service, with the schema its migrations make, gone at exit."""
        async with self.making:
            template = self.templates.get(service) or await self._make_template(service)
        async with self._copy(template, owner=service) as database:
            yield database

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[TestDatabase]:
        """A fresh, empty database for tests of mechanisms that belong to no service."""
        async with self.making:
            await self._ensure_role(SCRATCH)
        async with self._copy("template1", owner=SCRATCH) as database:
            yield database

    @asynccontextmanager
    async def _copy(self, template: str, *, owner: str) -> AsyncIterator[TestDatabase]:
        name = f"{owner}_{next(self.numbers)}"
        connection = await databases.connect(self.server.superuser_dsn)
        try:
            async with self.making:  # a template may not be copied twice at once
                await databases.create_database(connection, name=name, owner=owner, template=template)
            yield TestDatabase(name=name, dsn=self.server.dsn(user=owner, password=TEST_PASSWORD, database=name))
        finally:
            await databases.drop_database(connection, name=name)
            await connection.close()

    async def _make_template(self, service: str) -> str:
        name = f"{service}_template"
        await self._ensure_role(service)
        connection = await databases.connect(self.server.superuser_dsn)
        try:
            await databases.drop_database(connection, name=name)
            await databases.create_database(connection, name=name, owner=service, template="template1")
        finally:
            await connection.close()
        dsn = self.server.dsn(user=service, password=TEST_PASSWORD, database=name)
        await migrate(service, TestDatabase(name=name, dsn=dsn))
        self.templates[service] = name
        return name

    async def _ensure_role(self, name: str) -> None:
        await databases.create_databases(self.server.superuser_dsn, passwords={})
        connection = await databases.connect(self.server.superuser_dsn)
        try:
            await databases.create_role(connection, name=name, password=TEST_PASSWORD)
        finally:
            await connection.close()


async def migrate(service: str, database: TestDatabase, *options: str) -> None:
    """Alembic to the head, as in production, in a process of its own; options as the command takes them."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.database.migrate", *options, service,
        cwd=REPOSITORY,
        env={**os.environ, **database.migration_environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"migrating {service} failed:\n{output.decode()}")
