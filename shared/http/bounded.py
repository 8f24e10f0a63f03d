"""A map with a bound, for caches and counters that strangers could otherwise grow without end."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedMap(Generic[K, V]):
    """Keeps the entries used lately, at least `capacity` and at most twice as many, at the price of a dict access.

    Two generations: when the young one is full it becomes the old one and the old one is dropped. An old entry that
    is asked for moves to the young one.
    """

    __slots__ = ("_capacity", "_old", "_young")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value, or `None` if it was never here or is forgotten."""
        value = self._young.get(key)
        if value is not None:
            return value
        value = self._old.pop(key, None)
        if value is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value. `None` cannot be told from an absent one and is not for keeping."""
        young = self._young
        if len(young) >= self._capacity and key not in young:
            self._old = young
            self._young = young = {}
        young[key] = value

    def discard(self, key: K) -> None:
        """Forget a value."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
