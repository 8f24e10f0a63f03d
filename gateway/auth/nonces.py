"""A signed request is good once: its nonce is remembered for as long as its signature could still be accepted."""

MAX_NONCES = 200_000
"""Held at once in each of two generations. Beyond it requests are refused: forgetting one would let it be replayed."""


class NonceStoreFullError(Exception):
    """More signed requests came than can be told apart."""


class NonceStore:
    """Remembers nonces for at least `window_s`, at most twice as long, by dropping whole generations."""

    def __init__(self, *, window_s: float, capacity: int = MAX_NONCES) -> None:
        self._window_s = window_s
        self._capacity = capacity
        self._young: set[tuple[str, str]] = set()
        self._old: set[tuple[str, str]] = set()
        self._turned_at = 0.0

    def first_use(self, key_id: str, nonce: str, *, now: float) -> bool:
        """Note a nonce. Whether it was new; each key has its own.

        :raises NonceStoreFullError: there is no room to remember it.
        """
        self._turn(now)
        used = (key_id, nonce)
        if used in self._young or used in self._old:
            return False
        if len(self._young) >= self._capacity:
            raise NonceStoreFullError
        self._young.add(used)
        return True

    def _turn(self, now: float) -> None:
        age_s = now - self._turned_at
        if age_s < self._window_s:
            return
        self._old = self._young if age_s < 2 * self._window_s else set()
        self._young = set()
        self._turned_at = now
