"""The unit of work at the HTTP edge, on a real database: an answer means that the commit happened.

`test_a_commit_that_fails_is_never_answered_as_success` was seen failing (201 instead of 500) with the dependency's
plain scope, which the second test keeps showing.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends

from shared.database import Database, UnitOfWork
from shared.http import Identity, IdentitySigner, Reading, Role, Work, create_app, open_unit_of_work
from shared.http.identity import IDENTITY_HEADER
from tests.support.databases import TestDatabase

KEY = b"k" * 32
LateWork = Annotated[UnitOfWork, Depends(open_unit_of_work)]

routes = APIRouter()


@routes.post("/v1/notes/{text}", status_code=201)
async def write(text: str, work: Work) -> str:
    await work.raw.execute("insert into notes (text) values ($1)", text)
    if text == "raise":
        raise LookupError(text)
    return text


@routes.post("/v1/late-notes/{text}", status_code=201)
async def write_late(text: str, work: LateWork) -> str:
    await work.raw.execute("insert into notes (text) values ($1)", text)
    return text


@routes.get("/v1/notes")
async def read(work: Reading) -> list[str]:
    return [row["text"] for row in await work.raw.fetch("select text from notes order by text")]


@pytest.fixture
async def client(scratch_database: TestDatabase) -> AsyncIterator[httpx.AsyncClient]:
    database = Database.connect(scratch_database.url, application_name="test")
    async with database.begin() as uow:
        # Deferred: two equal texts are noticed at the commit and not before.
        await uow.raw.execute("create table notes (text text, unique (text) deferrable initially deferred)")
    app = create_app(
        service="order",
        title="Orders",
        identity_key=KEY,
        problems={},
        ready=database.ping,
        routers=[routes],
        database=database,
    )
    header = IdentitySigner(KEY, "gateway").sign(Identity(Role.ANONYMOUS, ""))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers={IDENTITY_HEADER: header}) as client:
        yield client
    await database.close()


async def test_a_commit_that_fails_is_never_answered_as_success(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes/a")).status_code == 201
    answer = await client.post("/v1/notes/a")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert (await client.get("/v1/notes")).json() == ["a"]


async def test_the_plain_scope_would_answer_before_the_commit(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/late-notes/a")).status_code == 201
    assert (await client.post("/v1/late-notes/a")).status_code == 201, "this is why Work has scope='function'"
    assert (await client.get("/v1/notes")).json() == ["a"]


async def test_what_raises_is_rolled_back(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes/raise")).status_code == 500
    assert (await client.get("/v1/notes")).json() == []


async def test_a_database_that_is_gone_is_a_passing_problem(scratch_database: TestDatabase) -> None:
    database = Database.connect(scratch_database.url.replace("scratch_", "gone_"), application_name="test")
    app = create_app(
        service="order",
        title="Orders",
        identity_key=KEY,
        problems={},
        ready=database.ping,
        routers=[routes],
        database=database,
    )
    header = IdentitySigner(KEY, "gateway").sign(Identity(Role.ANONYMOUS, ""))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers={IDENTITY_HEADER: header}) as client:
        answer = await client.post("/v1/notes/a")
        assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
        assert (await client.get("/readyz")).status_code == 503
    await database.close()
