"""Waiting that ends early, and running for ever with a growing delay after each failure."""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterator

from shared.observability import describe_error, get_logger

log = get_logger(__name__)

RESTART_DELAY_S = 0.5
RESTART_DELAY_MAX_S = 5.0


async def wait_for(event: asyncio.Event, *, timeout_s: float) -> bool:
    """Whether the event was set within the time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
    return event.is_set()


async def wait_for_any(*events: asyncio.Event, timeout_s: float) -> bool:
    """Wait until one of the events is set, or the time is over; answers whether one is."""
    if any(event.is_set() for event in events):
        return True
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(
            waiting, timeout=None if timeout_s == math.inf else timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for waiter in waiting:
            waiter.cancel()
    return any(event.is_set() for event in events)


def growing_delays(*, first_s: float, longest_s: float) -> Iterator[float]:
    """Doubling delays with jitter, for ever."""
    delay_s = first_s
    while True:
        yield delay_s * random.uniform(0.75, 1.25)
        delay_s = min(delay_s * 2, longest_s)


async def run_for_ever(
    term: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    who: str,
    expected: tuple[type[Exception], ...],
    failed: Callable[[], None],
) -> None:
    """Begin a new term whenever one ends, until `stop` is set. Lost servers are `expected`: a warning, not an error."""
    delays = growing_delays(first_s=RESTART_DELAY_S, longest_s=RESTART_DELAY_MAX_S)
    while not stop.is_set():
        started = time.monotonic()
        try:
            await term()
        except expected as error:
            failed()
            log.warning("messaging.interrupted", part=who, kind=type(error).__name__, reason=describe_error(error))
        except Exception:
            failed()
            log.exception("messaging.failed", part=who)
        if time.monotonic() - started > RESTART_DELAY_MAX_S:
            delays = growing_delays(first_s=RESTART_DELAY_S, longest_s=RESTART_DELAY_MAX_S)
        if not stop.is_set():
            await wait_for(stop, timeout_s=next(delays))
