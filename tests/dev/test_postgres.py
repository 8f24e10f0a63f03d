"""The stack's PostgreSQL: each service behind its own door, and nothing forgotten by a stop."""

import asyncpg
import pytest

from dev.stack import databases
from dev.stack.postgres import PostgresServer
from tests.support.databases import DatabaseServer, TestDatabase


async def test_a_role_opens_its_own_database_and_no_other(postgres_server: PostgresServer) -> None:
    passwords = {"one": "password-of-one", "two": "password-of-two"}
    await databases.create_databases(postgres_server.superuser_dsn, passwords=passwords)

    own = await databases.connect(postgres_server.dsn(user="one", password="password-of-one", database="one"))
    assert await own.fetchval("SELECT current_database()") == "one"
    await own.close()

    for foreign in ("two", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await databases.connect(postgres_server.dsn(user="one", password="password-of-one", database=foreign))


async def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    await databases.create_databases(postgres_server.superuser_dsn, passwords={"three": "right"})
    with pytest.raises(asyncpg.InvalidPasswordError):
        await databases.connect(postgres_server.dsn(user="three", password="wrong", database="three"))


async def test_creating_databases_twice_keeps_their_contents(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.dsn(user="four", password="first", database="four")
    await databases.create_databases(postgres_server.superuser_dsn, passwords={"four": "first"})
    connection = await databases.connect(dsn)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    await connection.close()

    await databases.create_databases(postgres_server.superuser_dsn, passwords={"four": "second"})

    connection = await databases.connect(dsn.replace("first", "second"))
    assert await connection.fetchval("SELECT number FROM kept") == 7
    await connection.close()


async def test_commits_are_durable(scratch_database: TestDatabase) -> None:
    connection = await databases.connect(scratch_database.dsn)
    settings = {name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "jit")}
    await connection.close()
    assert settings == {"fsync": "on", "synchronous_commit": "on", "jit": "off"}


async def test_scratch_databases_are_fresh_and_forgotten(database_server: DatabaseServer) -> None:
    async with database_server.scratch() as first, database_server.scratch() as second:
        assert first.name != second.name
        names = {first.name, second.name}
    connection = await databases.connect(database_server.server.superuser_dsn)
    left = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
    await connection.close()
    assert not names & left
