"""Waiting that ends early: for work, for shutdown, or with a growing delay after failures."""

import asyncio
import contextlib
import random
from collections.abc import Iterator


async def wait_for(event: asyncio.Event, *, timeout_s: float) -> bool:
    """Whether the event was set within the time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
    return event.is_set()


async def wait_for_any(*events: asyncio.Event, timeout_s: float) -> None:
    """Wait until one of the events is set, or the time is over."""
    if any(event.is_set() for event in events):
        return
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiting:
            waiter.cancel()


def growing_delays(*, first_s: float, longest_s: float) -> Iterator[float]:
    """Doubling delays with jitter, for ever."""
    delay_s = first_s
    while True:
        yield delay_s * random.uniform(0.75, 1.25)
        delay_s = min(delay_s * 2, longest_s)
