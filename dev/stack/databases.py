"""One database and one role per service: a role can open its own database and no other."""

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def connect(dsn: str) -> Connection:
    return await asyncpg.connect(dsn, timeout=10)


async def create_databases(superuser_dsn: str, *, passwords: Mapping[str, str]) -> None:
    """Create what is missing, one role and one database per name; set passwords; close every door to the public."""
    connection = await connect(superuser_dsn)
    try:
        for database in ("postgres", "template1"):
            await connection.execute(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
        for name, password in passwords.items():
            await create_role(connection, name=name, password=password)
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                await create_database(connection, name=name, owner=name, template="template1")
    finally:
        await connection.close()


async def create_role(connection: Connection, *, name: str, password: str) -> None:
    """Create the role unless it exists, and set its password either way."""
    exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name)
    verb = "ALTER" if exists else "CREATE"
    quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(
        f"{verb} ROLE {_identifier(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {quoted}",
    )


async def create_database(connection: Connection, *, name: str, owner: str, template: str) -> None:
    """Create a database that only its owner (and the superuser) can open."""
    quoted = _identifier(name)
    await connection.execute(
        f"CREATE DATABASE {quoted} OWNER {_identifier(owner)} TEMPLATE {_identifier(template)}",
    )
    await connection.execute(f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")


async def drop_database(connection: Connection, *, name: str) -> None:
    await connection.execute(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")


def read_or_make_passwords(file: Path, names: Iterable[str]) -> Mapping[str, str]:
    """The roles' passwords: kept in one private file, made once for each name."""
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    passwords = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
    if passwords != known:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(passwords, indent=2) + "\n")
    return passwords


def _identifier(name: str) -> str:
    """Quote a name that SQL takes as an identifier; parameters cannot stand there."""
    return '"' + name.replace('"', '""') + '"'
