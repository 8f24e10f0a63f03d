"""Whole purchases at a fixed rate of arrival: what a normal busy evening costs."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.purchase import Buyer, Purchase, PurchaseFailedError, Shop, buy
from shared.http.wire import UpstreamError

DRAIN_WITHIN_S = 60


@dataclass(frozen=True)
class Sustained:
    """What came of a run at a fixed rate. Times in milliseconds."""

    wanted_per_s: float
    purchases_per_s: float
    completed: int
    errors: int
    error_kinds: dict[str, int]
    paid_to_readable_p50_ms: float
    paid_to_readable_p99_ms: float
    order_p99_ms: float


async def run(shop: Shop, buyers: Sequence[Buyer], skus: Sequence[str], *, per_s: float, seconds: float) -> Sustained:
    """Start a purchase every `1/per_s` seconds whether or not earlier ones have ended, for `seconds`.

    The rate that counts is purchases ended per second from the first start to the last end: a system that falls behind
    ends them late.
    """
    tasks: list[asyncio.Task[Purchase]] = []
    began = time.perf_counter()
    for number in range(int(per_s * seconds)):
        ahead = began + number / per_s - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        tasks.append(asyncio.create_task(buy(shop, random.choice(buyers), random.choice(skus))))
    _, late = await asyncio.wait(tasks, timeout=DRAIN_WITHIN_S)
    took = time.perf_counter() - began
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return _sum_up(tasks, wanted_per_s=per_s, took_s=took)


def _sum_up(tasks: Sequence[asyncio.Task[Purchase]], *, wanted_per_s: float, took_s: float) -> Sustained:
    done = [task.result() for task in tasks if not task.cancelled() and task.exception() is None]
    failures = Counter("never ended" if task.cancelled() else kind_of(task.exception()) for task in tasks)
    failures.pop("", None)
    readable = [purchase.paid_to_readable_s for purchase in done]
    return Sustained(
        wanted_per_s=wanted_per_s,
        purchases_per_s=len(done) / took_s,
        completed=len(done),
        errors=len(tasks) - len(done),
        error_kinds=dict(failures),
        paid_to_readable_p50_ms=quantile(readable, 0.5) * 1000,
        paid_to_readable_p99_ms=quantile(readable, 0.99) * 1000,
        order_p99_ms=quantile([purchase.order_s for purchase in done], 0.99) * 1000,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def kind_of(error: BaseException | None) -> str:
    """A name for how a purchase failed, to count by; empty for none."""
    match error:
        case None:
            return ""
        case PurchaseFailedError():
            return str(error)
        case UpstreamError():
            return f"connection: {error}"
        case _:
            return type(error).__name__
