"""Every service's migrations make the very tables that its code declares."""

import pytest

from dev.stack.topology import SERVICES
from tests.support.databases import DatabaseServer, migrate


@pytest.mark.parametrize("service", SERVICES)
async def test_tables_and_migrations_agree(service: str, database_server: DatabaseServer) -> None:
    async with database_server.database(service) as database:
        await migrate(service, database, "--check")
