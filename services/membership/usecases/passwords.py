"""Passwords by Argon2id, off the event loop: a bounded number at a time, a bounded number waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from services.membership.domain.signin import SignInBusyError
from shared.crypto import Secret

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class HashingCost:
    """What one hash costs, and how many this process works on (`at_once`) and lets wait (`waiting`)."""

    memory_kib: int
    passes: int
    lanes: int
    at_once: int
    waiting: int


class Passwords:
    """Hashes and verifies. A missing account costs as much as a wrong password."""

    def __init__(self, cost: HashingCost) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes, type=argon2.Type.ID
        )
        self._threads = ThreadPoolExecutor(cost.at_once, thread_name_prefix="argon2")
        self._most = cost.at_once + cost.waiting
        self._under_way = 0
        self._nobody = self._hasher.hash("the password of nobody")

    def ensure_room(self) -> None:
        """Say early that there is no room, before an attempt is counted.

        :raises SignInBusyError: too many are being worked on or waiting.
        """
        if self._under_way >= self._most:
            raise SignInBusyError("too many sign in at once")

    async def hash(self, password: Secret) -> str:
        """The hash to keep, with its salt and parameters.

        :raises SignInBusyError: too many are being worked on or waiting.
        """
        return await self._run(lambda: self._hasher.hash(password.reveal()))

    async def verify(self, password: Secret, kept: str | None) -> bool:
        """Whether the password is the one that was kept. Without an account the same work is done, for nothing.

        :raises SignInBusyError: too many are being worked on or waiting.
        """
        matches = await self._run(lambda: self._matches(password, kept or self._nobody))
        return matches and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether it was hashed by other parameters than today's, and should be hashed anew."""
        return self._hasher.check_needs_rehash(kept)

    async def close(self) -> None:
        """Let go of the threads."""
        await asyncio.to_thread(self._threads.shutdown)

    def _matches(self, password: Secret, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, password.reveal())
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        self.ensure_room()
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1
