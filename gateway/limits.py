"""How much one caller may ask: a token bucket per caller and class, in memory, bounded.

One replica counts for itself; several would share the count in a store of their own.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from shared.http.bounded import BoundedMap

TRACKED_BUCKETS = 50_000
"""Buckets remembered. A forgotten one is full again, in its caller's favour."""


@dataclass(frozen=True)
class RateClass:
    """`burst` requests at once, refilled at `per_second`."""

    name: str
    per_second: float
    burst: int

    @cached_property
    def policy(self) -> bytes:
        """The header `RateLimit-Policy`: the quota, and the window in which it refills."""
        return f'"{self.name}";q={self.burst};w={math.ceil(self.burst / self.per_second)}'.encode()


READ = RateClass("read", per_second=50, burst=200)
WRITE = RateClass("write", per_second=10, burst=40)
CHECKOUT = RateClass("checkout", per_second=2, burst=20)
"""Orders of one caller. Whoever buys more at once is a reseller, and risk looks at those."""

REVEAL = RateClass("reveal", per_second=2, burst=30)
STREAM = RateClass("stream", per_second=1, burst=20)
SIGN_IN = RateClass("sign-in", per_second=1, burst=60)
"""Per address: guessing passwords must be slow, several people behind one address must not notice."""

REFUSED = RateClass("refused", per_second=2, burst=50)
"""Tokens that turn out to be wrong, per address: each one costs a signature to find out."""

OPERATE = RateClass("operate", per_second=50, burst=300)
PARTNER = RateClass("partner", per_second=50, burst=200)
CHANNEL = RateClass("channel", per_second=20, burst=100)
"""Resellers by API: their buyers stand behind them, so it is more than one buyer's."""

PROVIDER = RateClass("provider", per_second=1_000, burst=4_000)
"""Payment providers call from few addresses for all buyers together."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, how many more may follow at once, and after how many seconds one may again."""

    allowed: bool
    remaining: int
    reset_s: int


class Limiter:
    """Counts requests. `factor` widens or narrows every class alike."""

    def __init__(self, *, factor: float = 1.0) -> None:
        self._factor = factor
        self._buckets: BoundedMap[tuple[str, str], list[float]] = BoundedMap(TRACKED_BUCKETS)

    def take(self, rate: RateClass, caller: str, *, now: float) -> Verdict:
        """Count one request of this caller. `now` is any steady clock in seconds."""
        burst = rate.burst * self._factor
        per_second = rate.per_second * self._factor
        key = (rate.name, caller)
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets.put(key, [burst - 1, now])
            return Verdict(allowed=True, remaining=int(burst) - 1, reset_s=1)
        tokens = min(burst, bucket[0] + (now - bucket[1]) * per_second)
        bucket[1] = now
        if tokens < 1:
            bucket[0] = tokens
            return Verdict(allowed=False, remaining=0, reset_s=math.ceil((1 - tokens) / per_second))
        bucket[0] = tokens - 1
        return Verdict(allowed=True, remaining=int(tokens - 1), reset_s=math.ceil((burst - tokens + 1) / per_second))

    def exhausted(self, rate: RateClass, caller: str, *, now: float) -> bool:
        """Whether the caller has nothing left, without counting anything."""
        bucket = self._buckets.get((rate.name, caller))
        return bucket is not None and bucket[0] + (now - bucket[1]) * rate.per_second * self._factor < 1
