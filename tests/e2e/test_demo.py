"""The demo is a test: the whole journey over HTTP, and every figure it insists on."""

import pytest

from dev.demo.__main__ import run
from dev.demo.failover import WAITS_AT_MOST_S
from dev.demo.shelf import BUNDLE_PRICE_MINOR
from tests.support.world import World

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(300)
async def test_the_buyers_journey(world: World) -> None:
    outcome = await run(world.access)
    assert outcome["demo"] == "ok"
    assert outcome["paid_minor"] == BUNDLE_PRICE_MINOR
    assert outcome["failover_ms"] < WAITS_AT_MOST_S * 1_000  # type: ignore[operator]  # a number, as JSON has it
