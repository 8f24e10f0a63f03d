from collections.abc import AsyncIterator

import pytest

from dev.client import Access, Api, operator
from tests.support.world import World


@pytest.fixture(scope="session")
def access(world: World) -> Access:
    return world.access


@pytest.fixture(scope="session")
async def api(access: Access) -> AsyncIterator[Api]:
    async with Api.to(access.gateway) as client:
        yield client


@pytest.fixture(scope="session")
async def desk(api: Api, access: Access) -> Api:
    return await operator(api, access)
