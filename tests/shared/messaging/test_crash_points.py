"""Processes that kill themselves at the worst moments: nothing is lost, and nothing takes effect twice.

The table of effects has no unique key: only the inbox stands between a repetition and a second effect.
"""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from dev.stack.layout import REPOSITORY
from shared.clock import new_id
from shared.database import Database
from tests.shared.messaging.house import (
    effects,
    eventually,
    make_consumer,
    make_relay,
    new_group,
    numbered,
    running,
    say,
    unpublished,
    until_effects,
)
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase

DIES_WITHIN_S = 40


@contextlib.asynccontextmanager
async def process(
    role: str, database: TestDatabase, broker: TestBroker, *, group: str = "", crash_at: str = ""
) -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.messaging.process",
        role, database.url, broker.bootstrap, broker.flavour, group,
        cwd=REPOSITORY,
        env={**os.environ, "KAQUAN_CRASH_AT": crash_at, "KAQUAN_ENVIRONMENT": "test"},
    )  # fmt: skip
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
            child.send_signal(signal.SIGCONT)  # a frozen one would never hear of it
        await child.wait()


async def dies(child: Process) -> bool:
    async with asyncio.timeout(DIES_WITHIN_S):
        return await child.wait() == -signal.SIGKILL


@pytest.mark.parametrize("point", ["relay.before_publish:2", "relay.after_publish", "relay.after_publish:2"])
async def test_a_relay_killed_around_publishing(
    point: str, house: Database, scratch_database: TestDatabase, broker: TestBroker
) -> None:
    order_id = new_id()
    await say(house, order_id, "first")
    async with process("relay", scratch_database, broker, crash_at=point) as relay:
        for note in numbered(10):
            await say(house, order_id, note)
        while relay.returncode is None:
            await say(house, order_id, "more")
            await asyncio.sleep(0.1)
        assert await dies(relay)
    assert await unpublished(house) > 0
    async with running(make_relay(house, broker), make_consumer(house, broker, new_group())):
        await say(house, order_id, "last")
        await eventually(lambda: _ends_with(house, order_id, "last"))
    found = await effects(house, order_id)
    assert found == ["first", *numbered(10), *["more"] * (len(found) - 12), "last"]


@pytest.mark.parametrize("point", ["consumer.before_commit", "consumer.after_effect", "consumer.after_effect:2"])
async def test_a_consumer_killed_around_its_commit(
    point: str, house: Database, scratch_database: TestDatabase, broker: TestBroker
) -> None:
    group, orders = new_group(), [new_id() for _ in range(10)]
    async with running(make_relay(house, broker)):
        async with process("consumer", scratch_database, broker, group=group, crash_at=point) as consumer:
            for note in numbered(5):
                for order_id in orders:
                    await say(house, order_id, note)
            while consumer.returncode is None:
                await say(house, orders[0], "more")
                await asyncio.sleep(0.1)
            assert await dies(consumer)
        async with process("consumer", scratch_database, broker, group=group):
            await say(house, orders[0], "last")
            await eventually(lambda: _ends_with(house, orders[0], "last"))
            for order_id in orders[1:]:
                assert await until_effects(house, order_id, 5) == numbered(5)
        found = await effects(house, orders[0])
        assert found == [*numbered(5), *["more"] * (len(found) - 6), "last"]


async def test_a_process_killed_after_its_commit_has_spoken(
    house: Database, scratch_database: TestDatabase, broker: TestBroker
) -> None:
    """The fact and its announcement are one: a kill right after the commit leaves both."""
    order_id = new_id()
    script = (
        "import asyncio, sys, uuid; from shared.database import Database; from tests.shared.messaging.house import say;"
        "asyncio.run(say(Database.connect(sys.argv[1], application_name='api'), uuid.UUID(sys.argv[2]), 'said'))"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, scratch_database.url, str(order_id),
        cwd=REPOSITORY,
        env={**os.environ, "KAQUAN_CRASH_AT": "api.after_commit"},
    )  # fmt: skip
    assert await dies(child)
    async with running(make_relay(house, broker), make_consumer(house, broker, new_group())):
        assert await until_effects(house, order_id, 1) == ["said"]


@pytest.mark.needs_kafka
async def test_a_frozen_consumer_that_wakes_up_after_its_session_does_no_harm(
    house: Database, scratch_database: TestDatabase, broker: TestBroker
) -> None:
    """SIGSTOP past the session's end: another takes over, then the first wakes with a batch it no longer owns."""
    group, order_id = new_group(), new_id()
    async with (
        running(make_relay(house, broker)),
        process("consumer", scratch_database, broker, group=group) as frozen,
    ):
        await say(house, order_id, *numbered(5))
        await until_effects(house, order_id, 5)
        frozen.send_signal(signal.SIGSTOP)
        await say(house, order_id, "while frozen")
        async with running(make_consumer(house, broker, group, instance="1")):
            assert (await until_effects(house, order_id, 6))[-1] == "while frozen"
            frozen.send_signal(signal.SIGCONT)
            await say(house, order_id, "after")
            assert await until_effects(house, order_id, 7) == [*numbered(5), "while frozen", "after"]


async def test_a_frozen_relay_does_not_hold_up_the_outbox(
    house: Database, scratch_database: TestDatabase, broker: TestBroker
) -> None:
    order_id = new_id()
    async with process("relay", scratch_database, broker) as frozen:
        await say(house, order_id, "before")
        await eventually(lambda: _all_published(house))
        frozen.send_signal(signal.SIGSTOP)
        async with running(make_relay(house, broker), make_consumer(house, broker, new_group())):
            await say(house, order_id, "after")
            assert await until_effects(house, order_id, 2) == ["before", "after"]
            frozen.send_signal(signal.SIGCONT)
            await say(house, order_id, "last")
            assert await until_effects(house, order_id, 3) == ["before", "after", "last"]


async def _all_published(house: Database) -> bool:
    return await unpublished(house) == 0


async def _ends_with(house: Database, order_id: UUID, note: str) -> bool:
    found = await effects(house, order_id)
    return bool(found) and found[-1] == note
