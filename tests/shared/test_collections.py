"""A full garbage collection looks only at what is new since the last one."""

import gc
from collections.abc import Iterator

import pytest

from shared.http import server


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.callbacks.remove(server._freeze_survivors)
    gc.unfreeze()


def test_what_survived_a_full_collection_is_not_looked_at_again() -> None:
    server._keep_collections_short()
    kept = [[number] for number in range(10_000)]
    gc.collect(1)
    assert len(gc.get_objects()) > len(kept)
    gc.collect()
    assert len(gc.get_objects()) < 100
    assert len(kept) == 10_000
