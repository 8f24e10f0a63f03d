import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.database import Database
from shared.database.auxiliary import AdvisoryLocks, AuxiliaryConnection
from shared.database.session import Connector
from tests.support.databases import TestDatabase

SOON_S = 5.0
QUIET_S = 0.3
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def other(scratch_database: TestDatabase) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    opened = Database.connect(scratch_database.url, application_name="other")
    yield opened
    await opened.close()


async def heard(bell: asyncio.Event, within_s: float = SOON_S) -> bool:
    try:
        await asyncio.wait_for(bell.wait(), within_s)
    except TimeoutError:
        return False
    bell.clear()
    return True


async def until_listening(bell: asyncio.Event) -> None:
    """Who begins to listen is woken once, in case something rang before."""
    assert await heard(bell)


async def test_a_ring_is_heard_in_every_process(database: Database, other: Database) -> None:
    async with database.listen("door") as here, other.listen("door") as there, other.listen("window") as elsewhere:
        for bell in (here, there, elsewhere):
            await until_listening(bell)
        database.ring("door")
        assert await heard(here)
        assert await heard(there)
        assert not await heard(elsewhere, QUIET_S)


async def test_rings_stay_here_while_the_only_answer_is_here(database: Database, other: Database) -> None:
    async with database.listen("door") as here, other.listen("door") as there:
        await until_listening(here)
        await until_listening(there)
        with database.answering("door"):
            database.ring("door")
            assert await heard(here)
            assert not await heard(there, QUIET_S)
        await heard(here, QUIET_S)
        database.ring("door")
        assert await heard(there)


async def test_listeners_are_woken_after_a_lost_connection(database: Database, other: Database) -> None:
    async with database.listen("door") as here:
        await until_listening(here)
        async with other.read() as killer:
            await killer.raw.execute(END_OTHERS)
        assert await heard(here)  # it may have missed a ring
        other.ring("door")
        assert await heard(here)


async def test_only_one_holds_a_lease(database: Database, other: Database) -> None:
    async with database.exclusive("job") as mine, database.exclusive("job") as again, other.exclusive("job") as theirs:
        assert mine
        assert not again
        assert not theirs
        async with other.exclusive("another job") as free:
            assert free
    async with other.exclusive("job") as theirs:
        assert theirs


async def test_a_long_job_takes_turns_while_it_holds_its_lease(database: Database, other: Database) -> None:
    async with database.exclusive("job") as mine, other.exclusive("job") as theirs:
        assert list(mine.rounds(3)) == [0, 1, 2]
        assert list(theirs.rounds(3)) == []
        done = []
        for number in mine.rounds(3):
            done.append(number)
            async with other.read() as killer:
                await killer.raw.execute(END_OTHERS)
            await asyncio.wait_for(mine.lost.wait(), SOON_S)
        assert done == [0]


async def test_a_lease_ends_with_its_connection(database: Database, other: Database) -> None:
    async with database.exclusive("job") as mine:
        async with other.read() as killer:
            await killer.raw.execute(END_OTHERS)
        await asyncio.wait_for(mine.lost.wait(), SOON_S)
        assert not mine
        async with other.exclusive("job") as theirs:
            assert theirs
            async with database.exclusive("job") as again:
                assert not again


async def test_a_lease_ends_when_its_connection_is_given_up(scratch_database: TestDatabase, other: Database) -> None:
    """A question that is cancelled takes the connection with it, and the locks: nobody may go on believing in them."""
    connection = AuxiliaryConnection(
        Connector(scratch_database.url, application_name="cancelled", statement_timeout_ms=60_000)
    )
    lease = await AdvisoryLocks(connection).acquire("job")
    assert lease
    question = asyncio.create_task(connection.run(lambda raw: raw.execute("SELECT pg_sleep(30)")))
    await asyncio.sleep(QUIET_S)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    assert not lease
    async with other.exclusive("job") as theirs:
        assert theirs
    await connection.close()
