import asyncio
import uuid

import asyncpg
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from shared.database import (
    Database,
    DatabaseContentionError,
    DatabaseUnavailableError,
    TransactionAbortedError,
    UnitOfWork,
    pool,
    violated,
)
from tests.shared.database.conftest import NOTES

COUNT = "SELECT count(*) FROM notes"


async def count(database: Database) -> int:
    async with database.read() as uow:
        found: int = await uow.raw.fetchval(COUNT)
        return found


async def add(uow: UnitOfWork, number: int) -> None:
    await uow.raw.execute("INSERT INTO notes (id) VALUES ($1)", number)


async def test_both_faces_share_one_transaction(database: Database) -> None:
    async with database.begin() as uow:
        await uow.sql.execute(insert(NOTES).values(id=1))
        assert await uow.raw.fetchval(COUNT) == 1
        await add(uow, 2)
        assert len((await uow.sql.execute(select(NOTES.c.id))).all()) == 2
        assert await count(database) == 0
    assert await count(database) == 2


async def test_an_exception_rolls_back_what_either_face_wrote(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.begin() as uow:
            await uow.sql.execute(insert(NOTES).values(id=1))
            await add(uow, 2)
            raise LookupError
    assert await count(database) == 0


async def test_json_and_uuids_pass_through_both_faces_alike(database: Database) -> None:
    tag, detail = uuid.uuid4(), {"a": [1, None, "三"], "b": {"c": True}}
    async with database.begin() as uow:
        await uow.sql.execute(insert(NOTES).values(id=1, tag=tag, detail=detail))
        await uow.raw.execute("INSERT INTO notes (id, tag, detail) VALUES (2, $1, $2)", tag, {**detail, "tag": tag})
    async with database.read() as uow:
        rows = await uow.raw.fetch("SELECT tag, detail FROM notes ORDER BY id")
        mapped = (await uow.sql.execute(select(NOTES.c.tag, NOTES.c.detail).order_by(NOTES.c.id))).all()
        first = select(NOTES.c.id).where(NOTES.c.detail["a"][0].astext == "1").order_by(NOTES.c.id)
        assert (await uow.sql.execute(first)).scalars().all() == [1, 2]
    assert [tuple(row) for row in rows] == [tuple(row) for row in mapped]
    assert rows[0]["detail"] == detail
    assert rows[1]["detail"]["tag"] == str(tag)
    assert isinstance(rows[0]["tag"], uuid.UUID)


async def test_hooks_run_before_and_after_the_commit_and_not_without_it(database: Database) -> None:
    seen: list[str] = []

    async def before(uow: UnitOfWork) -> None:
        seen.append("before")
        await add(uow, 7)

    async with database.begin() as uow:
        assert uow.before_commit(before, once_key="it") is uow.before_commit(before, once_key="it")
        uow.after_commit(lambda: seen.append("after"))
        seen.append("body")
    assert seen == ["body", "before", "after"]
    assert await count(database) == 1
    with pytest.raises(LookupError):
        async with database.begin() as uow:
            uow.before_commit(before)
            uow.after_commit(lambda: seen.append("after"))
            raise LookupError
    assert seen == ["body", "before", "after"]


async def test_each_hook_runs_once_even_when_flushed_early(database: Database) -> None:
    async def before(uow: UnitOfWork) -> None:
        await add(uow, 7)  # a second time would violate the primary key

    async with database.begin() as uow:
        uow.before_commit(before, once_key="it")
        await uow.flush()
    assert await count(database) == 1


async def test_a_failing_hook_undoes_the_whole(database: Database) -> None:
    async def refuse(_: UnitOfWork) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        async with database.begin() as uow:
            await add(uow, 1)
            uow.before_commit(refuse)
    assert await count(database) == 0


async def test_a_swallowed_failure_cannot_pass_for_a_commit(database: Database) -> None:
    after: list[bool] = []
    with pytest.raises(TransactionAbortedError):
        async with database.begin() as uow:
            await add(uow, 1)
            uow.after_commit(lambda: after.append(True))
            with pytest.raises(asyncpg.UniqueViolationError):
                await add(uow, 1)
    assert await count(database) == 0
    assert after == []


async def test_rows_can_be_streamed_through_either_face(database: Database) -> None:
    async with database.begin() as uow:
        for number in range(1, 121):
            await add(uow, number)
        raw = [row["id"] async for row in uow.raw.cursor("SELECT id FROM notes ORDER BY id")]
        mapped = [row.id async for row in await uow.sql.stream(select(NOTES.c.id).order_by(NOTES.c.id))]
    assert raw == mapped == list(range(1, 121))


async def test_the_violated_constraint_is_named_for_either_face(database: Database) -> None:
    with pytest.raises(IntegrityError) as mapped:
        async with database.begin() as uow:
            await uow.sql.execute(insert(NOTES).values(id=0))
    with pytest.raises(asyncpg.CheckViolationError) as raw:
        async with database.begin() as uow:
            await add(uow, 0)
    assert violated(mapped.value) == violated(raw.value) == "ck_notes_positive"
    assert violated(ValueError()) is None


async def test_single_statements_stand_by_themselves(database: Database) -> None:
    seen: list[str] = []
    with pytest.raises(LookupError):
        async with database.read() as uow:
            await add(uow, 1)
            uow.after_commit(lambda: seen.append("not"))
            raise LookupError
    async with database.read() as uow:
        await add(uow, 2)
        uow.after_commit(lambda: seen.append("yes"))
        with pytest.raises(RuntimeError, match="no commit"):
            uow.before_commit(_nothing)
    assert seen == ["yes"]
    assert await count(database) == 2


async def _nothing(uow: UnitOfWork) -> None: ...


async def test_a_deadlock_is_named_as_worth_another_try(database: Database) -> None:
    async with database.begin() as uow:
        await add(uow, 1)
        await add(uow, 2)
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with database.begin() as uow:
            await uow.raw.execute("UPDATE notes SET text = 'x' WHERE id = $1", first)
            await both_hold_one.wait()
            await uow.raw.execute("UPDATE notes SET text = 'x' WHERE id = $1", second)

    outcomes = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [DatabaseContentionError]


async def test_a_slow_statement_is_ended(database: Database) -> None:
    with pytest.raises(DatabaseContentionError, match="57014"):
        async with database.begin() as uow:
            await uow.raw.execute("SET LOCAL statement_timeout = '50ms'")
            await uow.raw.execute("SELECT pg_sleep(5)")
    assert await count(database) == 0


async def test_more_work_than_connections_waits_its_turn(database: Database) -> None:
    async def work(number: int) -> None:
        async with database.begin() as uow:
            await uow.raw.execute("SELECT pg_sleep(0.01)")
            await add(uow, number)

    await asyncio.gather(*(work(number) for number in range(1, 31)))
    assert await count(database) == 30


async def test_waiting_for_a_connection_has_an_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ACQUIRE_TIMEOUT_S", 0.1)
    async with database.read(), database.read(), database.read():
        with pytest.raises(DatabaseUnavailableError, match="all 3 are busy"):
            await count(database)
    assert await count(database) == 0


async def test_cancelled_work_leaves_no_trace_and_no_lost_connection(database: Database) -> None:
    async def work(number: int) -> None:
        async with database.begin() as uow:
            await add(uow, number)
            await uow.sql.execute(select(NOTES.c.id))
            await uow.raw.execute("SELECT pg_sleep(30)")

    for moment in range(12):
        tasks = [asyncio.create_task(work(number)) for number in range(1, 6)]
        await asyncio.sleep(moment * 0.002)
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(outcome, asyncio.CancelledError)
            for outcome in await asyncio.gather(*tasks, return_exceptions=True)
        )
    async with database.read(), database.read():
        assert await count(database) == 0


async def test_a_connection_left_in_a_transaction_is_not_handed_to_others(database: Database) -> None:
    async with database.read() as uow:
        await uow.raw.execute("BEGIN")
        await add(uow, 1)
    assert await count(database) == 0


async def test_connections_closed_behind_our_back_are_replaced_unasked(database: Database) -> None:
    async with database.read() as uow, database.read() as killer:
        doomed = await uow.raw.fetchval("SELECT pg_backend_pid()")
        sleeping = asyncio.create_task(uow.raw.execute("SELECT pg_sleep(5)"))
        await killer.raw.execute("SELECT pg_terminate_backend($1)", doomed)
        with pytest.raises(asyncpg.PostgresError):
            await sleeping
    assert await count(database) == 0
    async with database.read() as killer:
        await killer.raw.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(3):
        async with database.begin(), database.begin() as uow:
            await uow.raw.execute(COUNT)


async def test_losing_the_connection_is_named_as_such(database: Database) -> None:
    with pytest.raises(DatabaseUnavailableError):
        async with database.begin() as uow:
            pid = await uow.raw.fetchval("SELECT pg_backend_pid()")
            async with database.read() as killer:
                await killer.raw.execute("SELECT pg_terminate_backend($1)", pid)
            await add(uow, 1)
    assert await count(database) == 0


async def test_statements_are_planned_once_for_any_parameters(database: Database) -> None:
    async with database.read() as uow:
        assert await uow.raw.fetchval("SHOW plan_cache_mode") == "force_generic_plan"
