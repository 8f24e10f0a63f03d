"""The HTTP edge's transaction: opened before the handler, committed before the answer is sent."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from shared.database import Database, UnitOfWork


def _database(request: Request) -> Database:
    database = request.app.state.database
    assert isinstance(database, Database)  # noqa: S101  # main.py puts it there
    return database


async def open_unit_of_work(request: Request) -> AsyncIterator[UnitOfWork]:
    """One transaction for one request.

    It must be depended on with `scope="function"`: with FastAPI's default a commit that fails runs after the answer is
    sent, and the caller holds a 201 for nothing.
    """
    async with _database(request).begin() as uow:
        yield uow


async def open_reading(request: Request) -> AsyncIterator[UnitOfWork]:
    """Single statements without a transaction, for reads."""
    async with _database(request).read() as uow:
        yield uow


Work = Annotated[UnitOfWork, Depends(open_unit_of_work, scope="function")]
Reading = Annotated[UnitOfWork, Depends(open_reading, scope="function")]
