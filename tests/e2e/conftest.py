from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from dev.client import Access, Api, operator
from tests.e2e.browser import Visitor, open_chromium, open_visitor
from tests.support.brokers import in_ci
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


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with open_chromium() as browser:
        if browser is None:
            if in_ci():
                pytest.fail("CI has no Chromium")
            pytest.skip("there is no Chromium on this machine")
        yield browser


@pytest.fixture
async def visitor(chromium: Browser, access: Access) -> AsyncIterator[Visitor]:
    """Somebody with a phone. In the end the browser must have minded nothing."""
    async with open_visitor(chromium, access.gateway) as somebody:
        yield somebody
        assert somebody.complaints == []
