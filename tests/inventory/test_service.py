"""The whole service in one process, with a real broker: a command comes in by Kafka, what became of it goes out."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.inventory.main import build
from services.inventory.settings import Settings
from shared.clock import utc_now
from shared.messaging import announce
from shared.settings import ProcessRole
from tests.inventory.test_consumers import command
from tests.inventory.world import World, order_of
from tests.support.brokers import TestBroker

WITHIN_S = 60.0


@pytest.fixture
async def running(settings: Settings, fresh_topics: TestBroker) -> AsyncIterator[None]:
    everything = settings.model_copy(
        update={
            "roles": frozenset(ProcessRole),
            "kafka_bootstrap": fresh_topics.bootstrap,
            "kafka_flavour": fresh_topics.flavour,
        }
    )
    app = build(everything)
    async with app.router.lifespan_context(app):
        yield


@pytest.mark.usefixtures("running")
async def test_a_command_from_the_broker_is_issued_and_told(world: World) -> None:
    order = order_of((await world.sku(cards=1), 1))
    await world.hold(order)
    async with world.database.begin() as uow:
        announce(uow, command(order), now=utc_now())  # as if order had: the relay publishes it, the consumer hears it
    give_up = time.monotonic() + WITHIN_S
    while await world.value("SELECT count(*) FROM outbox WHERE topic = 'card' AND published_at IS NOT NULL") == 0:
        assert time.monotonic() < give_up, "nothing was issued"
        await asyncio.sleep(0.1)
    assert await world.kinds(order) == ["card.issued"]
    await world.assert_counters_equal_rows()
