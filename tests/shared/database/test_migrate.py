import asyncio
import os
import sys
from pathlib import Path

import pytest

from dev.stack import databases
from dev.stack.layout import REPOSITORY
from tests.support.databases import TestDatabase

TABLES = """
from sqlalchemy import BigInteger, Column, Table, Text

from shared.database import metadata

METADATA = metadata("demo")
NOTES = Table("notes", METADATA, Column("id", BigInteger, primary_key=True){more})
"""
ENVIRONMENT = """
from services.demo.tables import METADATA
from shared.database.migrate import run_migrations

run_migrations(METADATA)
"""


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A checkout whose only service is `demo`."""
    service = tmp_path / "services" / "demo"
    (service / "migrations" / "versions").mkdir(parents=True)
    for package in (service.parent, service):
        (package / "__init__.py").touch()
    (service / "migrations" / "env.py").write_text(ENVIRONMENT)
    (service / "tables.py").write_text(TABLES.format(more=""))
    return tmp_path


async def migrate(workplace: Path, database: TestDatabase, *arguments: str) -> tuple[int | None, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.database.migrate", *arguments, "demo",
        cwd=workplace,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "KAQUAN_DEMO_DATABASE_URL": database.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await child.communicate()
    return child.returncode, output.decode()


async def test_migrations_are_written_run_and_compared(workplace: Path, scratch_database: TestDatabase) -> None:
    assert (await migrate(workplace, scratch_database, "--revision", "the beginning"))[0] == 0
    folder = workplace / "services" / "demo" / "migrations"
    assert (folder / "versions" / "0001_the_beginning.py").exists()
    assert not (folder / "script.py.mako").exists()

    outcomes = await asyncio.gather(*(migrate(workplace, scratch_database) for _ in range(2)))
    assert outcomes == [(0, "demo: at 0001\n")] * 2  # one waited for the other
    assert await migrate(workplace, scratch_database, "--check") == (0, "demo: tables and migrations agree\n")

    (folder.parent / "tables.py").write_text(TABLES.format(more=', Column("text", Text)'))
    code, output = await migrate(workplace, scratch_database, "--check")
    assert code == 1
    assert "add_column" in output

    await migrate(workplace, scratch_database, "--revision", "a text")
    reader = await databases.connect(scratch_database.dsn)
    async with reader.transaction():
        await reader.execute("SELECT FROM notes")
        code, output = await migrate(workplace, scratch_database)
        assert code == 1
        assert "lock timeout" in output
    await reader.close()
    assert await migrate(workplace, scratch_database) == (0, "demo: at 0002\n")
