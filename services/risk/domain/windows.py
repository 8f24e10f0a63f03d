"""Sliding windows, exact at their edges and bounded in memory. Times are whole microseconds since 1970.

A window only has to tell whether a limit is passed. So entries older than those that pass it by themselves are let go:
they would leave the window first anyway.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable

KEYS_MAX = 100_000
"""Keys (members, devices, addresses) per window kept at once; beyond it the one unused for longest is forgotten."""

COMPACTED_FROM = 16
"""Entries that have left a window are cut off its arrays when there are this many, and more than half."""


class SlidingTotal:
    """The sum of what was added within the last `span` microseconds: counts, amounts, quantities.

    Two arrays with a moving head: a window per member makes millions of numbers, which as objects would take five times
    the memory and be looked through by every full garbage collection, while nobody is answered.
    """

    __slots__ = ("_head", "_times", "_values", "cap", "span", "total")

    def __init__(self, span: int, cap: int) -> None:
        self.span = span
        self.cap = cap
        self.total = 0
        self._times: array[int] = array("q")
        self._values: array[int] = array("q")
        self._head = 0

    def __len__(self) -> int:
        return len(self._times) - self._head

    def add(self, at: int, value: int, _: Hashable) -> None:
        """Count `value` at `at`. A late one (from another process) is put where it belongs."""
        times = self._times
        if times and times[-1] > at:
            place = bisect_right(times, at, lo=self._head)
            times.insert(place, at)
            self._values.insert(place, value)
        else:
            times.append(at)
            self._values.append(value)
        self.total += value
        while self.total - self._values[self._head] > self.cap:
            self._drop_oldest()

    def observed(self, now: int) -> int:
        """The sum over `(now - span, now]`, at most a little above the cap."""
        times = self._times
        horizon = now - self.span
        while self._head < len(times) and times[self._head] <= horizon:
            self._drop_oldest()
        return self.total

    def _drop_oldest(self) -> None:
        self.total -= self._values[self._head]
        self._head += 1
        if self._head >= COMPACTED_FROM and self._head * 2 > len(self._times):
            del self._times[: self._head]
            del self._values[: self._head]
            self._head = 0


class SlidingDistinct:
    """How many different things (members) were seen within the last `span` microseconds."""

    __slots__ = ("cap", "last_seen", "span")

    def __init__(self, span: int, cap: int) -> None:
        self.span = span
        self.cap = cap
        self.last_seen: OrderedDict[Hashable, int] = OrderedDict()

    def add(self, at: int, _: int, thing: Hashable) -> None:
        """See `thing` at `at`. One that comes late may be counted too long, by as much as it was late."""
        seen = self.last_seen.get(thing)
        if seen is None or seen < at:
            self.last_seen[thing] = at
            self.last_seen.move_to_end(thing)
        while len(self.last_seen) > self.cap + 1:
            self.last_seen.popitem(last=False)

    def observed(self, now: int) -> int:
        """Different things over `(now - span, now]`, at most one above the cap."""
        last_seen = self.last_seen
        horizon = now - self.span
        while last_seen:
            thing = next(iter(last_seen))
            if last_seen[thing] > horizon:
                break
            del last_seen[thing]
        return len(last_seen)


Window = SlidingTotal | SlidingDistinct


class WindowsByKey:
    """One kind of window for every key that was seen lately, the least recently used one leaving first."""

    __slots__ = ("cap", "forgotten", "keys_max", "kind", "span", "windows")

    def __init__(self, kind: type[Window], *, span: int, cap: int, keys_max: int = KEYS_MAX) -> None:
        self.kind = kind
        self.span = span
        self.cap = cap
        self.keys_max = keys_max
        self.windows: OrderedDict[Hashable, Window] = OrderedDict()
        self.forgotten = 0

    def add(self, key: Hashable, at: int, value: int, thing: Hashable) -> None:
        """Count for one key. Zero is not kept: it changes nothing and would fill memory."""
        if value:
            self._of(key).add(at, value, thing)

    def add_and_observe(self, key: Hashable, at: int, value: int, thing: Hashable) -> int:
        """Count for one key, and say what its window holds then."""
        if not value:
            return self.observed(key, at)
        window = self._of(key)
        window.add(at, value, thing)
        return window.observed(at)

    def observed(self, key: Hashable, now: int) -> int:
        """What the key's window holds now; 0 for one never seen."""
        window = self.windows.get(key)
        return 0 if window is None else window.observed(now)

    def sweep(self, now: int, *, at_most: int) -> int:
        """Drop up to `at_most` keys whose windows ran empty, the least recently used first; answers how many went."""
        dropped = 0
        while dropped < at_most and self.windows:
            key = next(iter(self.windows))
            if self.windows[key].observed(now):
                break
            del self.windows[key]
            dropped += 1
        return dropped

    def _of(self, key: Hashable) -> Window:
        window = self.windows.get(key)
        if window is not None:
            self.windows.move_to_end(key)
            return window
        window = self.windows[key] = self.kind(self.span, self.cap)
        if len(self.windows) > self.keys_max:
            self.windows.popitem(last=False)
            self.forgotten += 1
        return window
