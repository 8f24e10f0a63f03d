"""Whole purchases by a fixed crowd, each buyer beginning the next one when the last has ended: what the machine can carry.

A fixed rate of arrival that the machine cannot carry says only that it cannot; this says how much it can.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.purchase import Buyer, Purchase, Shop, buy
from dev.bench.sustained import kind_of, quantile

AT_ONCE = 64
SPREAD_S = 1.0
"""The crowd does not come through the door at the same moment."""

LOOP_STEPS = 60_000
LOOP_EVERY_S = 0.25


@dataclass(frozen=True)
class Capacity:
    """Times in milliseconds. `loop_ms`: what a fixed loop took meanwhile, for this machine's speed at that moment."""

    purchases_per_s: float
    completed: int
    error_kinds: dict[str, int]
    paid_to_readable_p50_ms: float
    paid_to_readable_p99_ms: float
    loop_ms: float


async def run(shop: Shop, buyers: Sequence[Buyer], skus: Sequence[str], *, seconds: float) -> Capacity:
    """`AT_ONCE` buyers buy for so many seconds."""
    done: list[Purchase] = []
    failures: Counter[str] = Counter()
    began = time.perf_counter()

    async def buy_again_and_again(number: int) -> None:
        await asyncio.sleep(SPREAD_S * number / AT_ONCE)
        while time.perf_counter() < began + seconds:
            try:
                done.append(await buy(shop, random.choice(buyers), random.choice(skus)))
            except Exception as error:  # noqa: BLE001  (counted by kind)
                failures[kind_of(error)] += 1

    timing = asyncio.create_task(_time_loops())
    await asyncio.gather(*map(buy_again_and_again, range(AT_ONCE)))
    took = time.perf_counter() - began
    timing.cancel()
    loops = (await asyncio.gather(timing, return_exceptions=True))[0]
    readable = [purchase.paid_to_readable_s for purchase in done]
    return Capacity(
        purchases_per_s=len(done) / took,
        completed=len(done),
        error_kinds=dict(failures),
        paid_to_readable_p50_ms=quantile(readable, 0.5) * 1000,
        paid_to_readable_p99_ms=quantile(readable, 0.99) * 1000,
        loop_ms=loops if isinstance(loops, float) else loop_ms(),
    )


def loop_ms() -> float:
    """Processor time of a loop of `LOOP_STEPS` additions: a yardstick for a machine whose speed varies."""
    began, total = time.thread_time(), 0
    for step in range(LOOP_STEPS):
        total += step
    return (time.thread_time() - began) * 1000


async def _time_loops() -> float:
    """The median of loops taken now and then, until cancelled."""
    taken = [loop_ms()]
    try:
        while True:
            await asyncio.sleep(LOOP_EVERY_S)
            taken.append(loop_ms())
    except asyncio.CancelledError:
        return quantile(taken, 0.5)
