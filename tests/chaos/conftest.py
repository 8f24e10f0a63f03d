from collections.abc import AsyncIterator

import pytest

from dev.client import Api, operator
from tests.e2e.shop import put_on_sale
from tests.support.world import World


@pytest.fixture(scope="session")
async def chaos_api(world: World) -> AsyncIterator[Api]:
    async with Api.to(world.access.gateway) as client:
        yield client


@pytest.fixture(scope="session")
async def chaos_skus(world: World, chaos_api: Api) -> list[str]:
    """Two SKUs with cards for the whole session."""
    desk = await operator(chaos_api, world.access)
    codes = [[f"C{number:06}X{run}" for number in range(3_000)] for run in range(2)]
    return [(await put_on_sale(desk, world.access, codes=each)).sku_id for each in codes]
