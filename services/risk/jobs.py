"""What runs beside the answers: writing them down, following what others change, forgetting what is old."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from services.risk import usecases
from services.risk.domain.rules import RuleSet
from services.risk.usecases import Desk, Position
from services.risk.usecases.lists import CHANNEL
from shared.clock import Clock
from shared.database import Database, Lease, TransientDatabaseError, UnitOfWork
from shared.http import prune_idempotency, wait_for
from shared.messaging import prune_inbox, prune_outbox
from shared.observability import get_logger

log = get_logger(__name__)

FLUSH_S: Final = 0.1
"""An allowed attempt waits at most about this long, plus one transaction, before it is durable."""

BATCH_MAX: Final = 1_000
RETRY_S: Final = 0.5
FOLLOW_S: Final = 0.5
DECISIONS_KEPT: Final = timedelta(days=90)
"""Long enough for a dispute; the address and the device in a decision are personal."""

MEMBERS_KEPT: Final = timedelta(days=32)
IDEMPOTENCY_KEPT: Final = timedelta(days=2)
PRUNED_AT_ONCE: Final = 5_000
PORTIONS_PER_TICK: Final = 200
"""A million rows of each kind; the next tick, in ten minutes, goes on."""


class Journal:
    """Writes deferred answers down in batches, one batch at a time."""

    name = "journal"

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._turn = asyncio.Lock()

    async def __call__(self, stop: asyncio.Event) -> None:
        """Until stopped; a database that does not answer is tried again, while answers wait in memory."""
        while not stop.is_set():
            try:
                await self.flush()
            except TransientDatabaseError as error:
                log.warning("risk.journal_waits", pending=self._desk.pending, error=str(error))
                await wait_for(stop, RETRY_S)
            await wait_for(stop, FLUSH_S)

    async def flush(self) -> None:
        """Write down all that waits now; what comes meanwhile is for the next time. What cannot be written waits on.

        :raises TransientDatabaseError: the database does not answer.
        """
        async with self._turn:
            waiting = self._desk.pending
            while waiting > 0 and (batch := self._desk.take_pending(BATCH_MAX)):
                waiting -= len(batch)
                try:
                    async with self._database.begin() as uow:
                        await usecases.record(uow, batch, writer=self._desk.writer, now=self._clock())
                except BaseException:
                    self._desk.put_back(batch)
                    raise


class Follower:
    """Keeps the engine in step: woken by a change of lists or rules, else twice a second."""

    name = "follower"

    def __init__(self, database: Database, desk: Desk, journal: Journal, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._journal = journal
        self._clock = clock
        self._position: Position | None = None

    async def prepare(self, *, threshold_scale: int) -> None:
        """Before the first answer: rules, lists, young accounts and counters are in memory.

        :raises TransientDatabaseError: the database does not answer; without it there is nothing to decide by.
        """
        async with self._database.begin() as uow:
            rule_set = await usecases.seed_rules(uow, scale=threshold_scale, now=self._clock())
            self._position = await usecases.begin(uow, self._desk, now=self._clock())
        await self._renew(rule_set)

    async def __call__(self, stop: asyncio.Event) -> None:
        """Until stopped. An error ends it; it is started again."""
        async with self._database.listen(CHANNEL) as bell:
            while not stop.is_set():
                await self.step()
                await _first(stop, bell, within_s=FOLLOW_S)
                bell.clear()

    async def step(self) -> None:
        """Take up what changed since the last step.

        :raises TransientDatabaseError: the database does not answer.
        """
        now = self._clock()
        async with self._database.read() as uow:
            rule_set = await usecases.follow(uow, self._desk, self._prepared(), now=now)
        if rule_set is not None:
            await self._renew(rule_set)

    async def _renew(self, rule_set: RuleSet) -> None:
        """Go over to other rules without forgetting: new counters are filled beside the old ones, which decide meanwhile.

        What is decided from here on is counted in both; what was decided before is written down, then read.
        """
        counters = self._desk.engine.renew(rule_set)
        until = self._clock()
        await self._journal.flush()
        async with self._database.begin() as uow:
            counted = await usecases.fill(uow, self._desk, counters, until=until)
        self._desk.engine.adopt(counters)
        log.info("risk.rules_renewed", version=rule_set.version, counted=counted)

    def _prepared(self) -> Position:
        if self._position is None:
            raise RuntimeError("prepare() comes before the first step")
        return self._position


async def prune(database: Database, clock: Clock) -> None:
    """Forget what is older than it may be kept, in portions that nobody waits for."""
    now = clock()
    portions: tuple[Callable[[UnitOfWork], Awaitable[int]], ...] = (
        lambda uow: usecases.prune_decisions(uow, before=now - DECISIONS_KEPT, at_most=PRUNED_AT_ONCE),
        lambda uow: usecases.prune_members(uow, before=now - MEMBERS_KEPT, at_most=PRUNED_AT_ONCE),
        lambda uow: prune_outbox(uow, now=now, limit=PRUNED_AT_ONCE),
        lambda uow: prune_inbox(uow, now=now, limit=PRUNED_AT_ONCE),
    )
    async with database.exclusive("risk.prune") as ours:
        for portion in portions:
            await _drain(database, ours, portion)
        if ours:
            async with database.begin() as uow:
                await prune_idempotency(uow, before=now - IDEMPOTENCY_KEPT)


async def _drain(database: Database, ours: Lease, portion: Callable[[UnitOfWork], Awaitable[int]]) -> None:
    for _ in ours.rounds(PORTIONS_PER_TICK):
        async with database.begin() as uow:
            if await portion(uow) < PRUNED_AT_ONCE:
                return


async def _first(stop: asyncio.Event, bell: asyncio.Event, *, within_s: float) -> None:
    """Wait for either, or for the time to pass."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (stop, bell)]
    await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for waiter in waiting:
        waiter.cancel()
