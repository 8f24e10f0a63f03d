"""Servers that restart, and a broker that comes back empty. They have servers of their own, which nobody else misses."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from dev.stack import databases
from dev.stack.kafka.broker import KafkaBroker
from dev.stack.layout import Layout
from dev.stack.ports import find_free_ports
from dev.stack.postgres import PostgresServer
from shared.clock import new_id
from shared.database import Database
from shared.messaging.topics import ensure_topics
from tests.shared.messaging.house import (
    eventually,
    fetchval,
    make_consumer,
    make_relay,
    make_tables,
    new_group,
    numbered,
    running,
    say,
    unpublished,
    until_effects,
)
from tests.support.brokers import TestBroker
from tests.support.session import TestSession

PASSWORD = "only-for-tests"


@pytest.fixture(scope="module")
def own_session(session_directory: TestSession, tmp_path_factory: pytest.TempPathFactory) -> TestSession:
    """Beside the session's servers, and swept up with them."""
    directory = session_directory.directory / tmp_path_factory.mktemp("own").name
    directory.mkdir(mode=0o755)
    return TestSession(directory)


@pytest.fixture(scope="module")
def own_kafka(own_session: TestSession) -> Iterator[KafkaBroker]:
    port, controller_port = find_free_ports(2)
    kafka = KafkaBroker(
        directory=own_session.directory / "kafka",
        jars=Layout.from_environment().kafka_libraries,
        port=port,
        controller_port=controller_port,
        supervisor=own_session.supervisor,
        say=print,
    )
    kafka.start()
    yield kafka
    kafka.stop()


@pytest.fixture
def own_postgres(own_session: TestSession) -> Iterator[PostgresServer]:
    server = PostgresServer(
        directory=own_session.directory / "postgres",
        port=find_free_ports(1)[0],
        supervisor=own_session.supervisor,
        say=print,
        configuration={"log_min_duration_statement": "-1"},
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def own_house(own_postgres: PostgresServer) -> AsyncIterator[Database]:
    await databases.create_databases(own_postgres.superuser_dsn, passwords={"house": PASSWORD})
    database = Database.connect(
        own_postgres.dsn(user="house", password=PASSWORD, database="house"), application_name="house"
    )
    await make_tables(database)
    yield database
    await database.close()


def as_test_broker(kafka: KafkaBroker) -> TestBroker:
    return TestBroker(bootstrap=kafka.bootstrap, flavour="kafka")


@pytest.mark.needs_kafka
async def test_a_broker_that_comes_back_empty_is_filled_again(house: Database, own_kafka: KafkaBroker) -> None:
    """What was published and not read is still read, once, in order; what was read has no second effect.

    What was under way while the broker was lost may be taken by the empty one before its emptiness is noticed: it comes
    once, but perhaps before what is filled in again.
    """
    broker, group, order_id, unread = as_test_broker(own_kafka), new_group(), new_id(), new_id()
    async with running(make_relay(house, broker)):
        async with running(make_consumer(house, broker, group)):
            await say(house, order_id, *numbered(50))
            await until_effects(house, order_id, 50)
        await say(house, unread, *numbered(30))
        await until_published(house)
        await asyncio.to_thread(own_kafka.stop)
        own_kafka.wipe()
        under_way = "said while the broker was away"
        await say(house, unread, under_way)
        await asyncio.to_thread(own_kafka.start)
        async with running(make_consumer(house, broker, group)):
            effects = await until_effects(house, unread, 31)
            assert effects.count(under_way) == 1
            assert [effect for effect in effects if effect != under_way] == [*numbered(30)]
            await say(house, order_id, "after")
            assert await until_effects(house, order_id, 51) == [*numbered(50), "after"]
    assert await fetchval(house, "SELECT count(*) FROM outbox_refill") == 0


@pytest.mark.needs_kafka
async def test_an_idle_relay_notices_a_topic_that_was_made_anew(house: Database, own_kafka: KafkaBroker) -> None:
    """The cluster is the same and so is the topic's name; only its offsets tell."""
    broker, order_id = as_test_broker(own_kafka), new_id()
    async with running(make_relay(house, broker)):
        async with running(make_consumer(house, broker, "first")):
            await say(house, order_id, *numbered(20))
            await until_effects(house, order_id, 20)
        async with house.begin() as uow:  # as if the consumer had not come to the second half
            await uow.raw.execute("DELETE FROM effects WHERE note >= '0010'")
            await uow.raw.execute("DELETE FROM inbox WHERE event_id IN (SELECT event_id FROM outbox WHERE id > 10)")
        await make_anew(broker, "order")
        async with running(make_consumer(house, broker, "second", inbox_of="first")):
            assert await until_effects(house, order_id, 20) == [*numbered(20)]


async def make_anew(broker: TestBroker, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await asyncio.sleep(1)
    await ensure_topics(broker.bootstrap)
    await admin.close()


@pytest.mark.needs_kafka
async def test_a_broker_that_is_away_for_a_while_is_waited_for(house: Database, own_kafka: KafkaBroker) -> None:
    broker, order_id = as_test_broker(own_kafka), new_id()
    async with running(make_relay(house, broker), make_consumer(house, broker, new_group())):
        await say(house, order_id, "before")
        await until_effects(house, order_id, 1)
        await asyncio.to_thread(own_kafka.stop)
        await say(house, order_id, *numbered(10))
        await asyncio.sleep(1)
        await asyncio.to_thread(own_kafka.start)
        assert await until_effects(house, order_id, 11) == ["before", *numbered(10)]


async def test_a_database_that_restarts_is_waited_for(
    own_postgres: PostgresServer, own_house: Database, broker: TestBroker
) -> None:
    order_id = new_id()
    async with running(make_relay(own_house, broker), make_consumer(own_house, broker, new_group())):
        await say(own_house, order_id, "before")
        await until_effects(own_house, order_id, 1)
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_postgres.start)
        await say(own_house, order_id, "after")
        assert await until_effects(own_house, order_id, 2) == ["before", "after"]


async def until_published(house: Database) -> None:
    async def met() -> bool:
        return await unpublished(house) == 0

    await eventually(met)
