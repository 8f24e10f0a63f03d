"""Idempotency keys on a real database: a write asked for many times happens once.

The race test was seen failing (several effects) with `once` and `keep` left out, and `test_the_table_is_the_second_wall`
(two effects) with the primary key left out.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.clock import utc_now
from shared.database import Database, UnitOfWork, metadata
from shared.http import (
    Idempotent,
    Identity,
    IdentitySigner,
    Problem,
    Role,
    Work,
    create_app,
    idempotency_table,
    keep,
    once,
    prune_idempotency,
    request_hash,
)
from shared.http.identity import IDENTITY_HEADER
from tests.support.databases import TestDatabase

KEY = b"k" * 32


class Purchase(BaseModel):
    quantity: int


routes = APIRouter()


@routes.post("/v1/purchases", status_code=201, response_model=Purchase)
async def purchase(body: Purchase, call: Idempotent, work: Work) -> Response:
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    await work.raw.execute("insert into effects (quantity) values ($1)", body.quantity)
    await asyncio.sleep(0.01)
    if body.quantity < 0:
        raise Problem(409, "stock.insufficient", "Not enough")
    return await call.keep(work, status=201, body=body.model_dump_json().encode())


@pytest.fixture
async def database(scratch_database: TestDatabase) -> AsyncIterator[Database]:
    database = Database.connect(scratch_database.url, application_name="test", pool_size=16)
    table = idempotency_table(metadata("test"))
    async with database.begin() as uow:
        await uow.sql.execute(CreateTable(table))
        for index in table.indexes:
            await uow.sql.execute(CreateIndex(index))
        await uow.raw.execute("create table effects (quantity int)")
    yield database
    await database.close()


@pytest.fixture
def app(database: Database) -> FastAPI:
    return create_app(
        service="order",
        title="Orders",
        identity_key=KEY,
        problems={},
        ready=database.ping,
        routers=[routes],
        database=database,
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
        yield client


def buyer(key: str | None, *, subject: str = str(uuid4())) -> dict[str, str]:
    header = {IDENTITY_HEADER: IdentitySigner(KEY, "gateway").sign(Identity(Role.BUYER, subject))}
    return header if key is None else header | {"Idempotency-Key": key}


async def effects(database: Database) -> int:
    async with database.read() as uow:
        count: int = await uow.raw.fetchval("select count(*) from effects")
        return count


async def test_the_second_time_gives_the_first_answer(client: httpx.AsyncClient, database: Database) -> None:
    first = await client.post("/v1/purchases", json={"quantity": 2}, headers=buyer("k1"))
    again = await client.post("/v1/purchases", json={"quantity": 2}, headers=buyer("k1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await effects(database) == 1


async def test_a_write_without_a_key_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    for headers in (buyer(None), buyer("")):
        answer = await client.post("/v1/purchases", json={"quantity": 2}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.missing")
    answer = await client.post("/v1/purchases", json={"quantity": 2}, headers=buyer("k" * 256))
    assert answer.status_code == 422
    assert await effects(database) == 0


async def test_a_key_does_not_serve_two_inputs(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/v1/purchases", json={"quantity": 2}, headers=buyer("k1"))
    answer = await client.post("/v1/purchases", json={"quantity": 3}, headers=buyer("k1"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.reused")
    assert await effects(database) == 1


async def test_two_callers_may_use_the_same_key(client: httpx.AsyncClient, database: Database) -> None:
    for _ in range(2):
        answer = await client.post("/v1/purchases", json={"quantity": 2}, headers=buyer("k1", subject=str(uuid4())))
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers
    assert await effects(database) == 2


async def test_a_refusal_is_not_kept(client: httpx.AsyncClient, database: Database) -> None:
    for _ in range(2):
        answer = await client.post("/v1/purchases", json={"quantity": -1}, headers=buyer("k1"))
        assert answer.status_code == 409
    assert await effects(database) == 0


async def test_of_64_at_once_one_happens_and_the_others_hear_so(client: httpx.AsyncClient, database: Database) -> None:
    await asyncio.gather(*(database.ping() for _ in range(16)))  # warm connections, so that they really race
    answers = await asyncio.gather(
        *(client.post("/v1/purchases", json={"quantity": 2}, headers=buyer("k1")) for _ in range(64))
    )
    assert await effects(database) == 1
    outcomes = {(answer.status_code, answer.json().get("code")) for answer in answers}
    assert outcomes <= {(201, None), (409, "idempotency.in_progress")}
    assert sum(answer.status_code == 201 and "idempotency-replayed" not in answer.headers for answer in answers) == 1


async def test_while_the_first_is_worked_on_the_second_is_told_to_wait(database: Database) -> None:
    async with database.begin() as first, database.begin() as second:
        assert await once(first, caller="buyer:1", key="k", request_hash=b"h" * 32) is None
        with pytest.raises(Problem) as refusal:
            await once(second, caller="buyer:1", key="k", request_hash=b"h" * 32)
        assert (refusal.value.status, refusal.value.code) == (409, "idempotency.in_progress")
        assert await once(second, caller="buyer:2", key="k", request_hash=b"h" * 32) is None


async def keep_one(uow: UnitOfWork) -> None:
    await uow.raw.execute("insert into effects (quantity) values (1)")
    await keep(uow, caller="buyer:1", key="k", request_hash=b"h" * 32, status=201, body=b"{}")


async def test_the_table_is_the_second_wall(database: Database) -> None:
    """Two transactions that both saw nothing, as when the first commits between the second's snapshot and its lock."""
    async with database.begin() as first:
        await keep_one(first)
    with pytest.raises(Problem, match="still being worked on"):
        async with database.begin() as second:
            await keep_one(second)
    assert await effects(database) == 1


async def test_old_answers_are_forgotten_in_bounded_steps(database: Database) -> None:
    async with database.begin() as uow:
        for number in range(10):
            await keep(uow, caller="buyer:1", key=str(number), request_hash=b"h" * 32, status=201, body=b"{}")
    async with database.begin() as uow:
        await prune_idempotency(uow, before=utc_now() - timedelta(days=1))
        await prune_idempotency(uow, before=utc_now() + timedelta(minutes=1), limit=4)
    async with database.read() as uow:
        assert await uow.raw.fetchval("select count(*) from idempotency_keys") == 6


def test_the_hash_tells_method_path_and_body_apart() -> None:
    hashes = {
        request_hash("POST", "/a", b"x"), request_hash("PUT", "/a", b"x"), request_hash("POST", "/b", b"x"),
        request_hash("POST", "/a", b"y"), request_hash("POST", "/a\nx", b""),
    }  # fmt: skip
    assert len(hashes) == 5
