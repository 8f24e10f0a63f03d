from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.membership.settings import Settings
from tests.conftest import ServiceDatabaseMaker
from tests.membership.house import House, fast_settings, open_house


@pytest.fixture
async def membership_settings(service_database: ServiceDatabaseMaker, keys_directory: Path) -> Settings:
    """Settings for a fresh membership database."""
    return fast_settings((await service_database("membership")).url, keys_directory)


@pytest.fixture
async def house(membership_settings: Settings) -> AsyncIterator[House]:
    """The membership service, running."""
    async with open_house(membership_settings) as opened:
        yield opened
