"""Keeping the engine in step with the database: at start, when rules change, and with what other processes do."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.risk import repository
from services.risk.domain.counters import ACCOUNTS_MAX, Counters
from services.risk.domain.decisions import microseconds
from services.risk.domain.rules import RuleSet
from services.risk.usecases.desk import Desk
from shared.database import UnitOfWork
from shared.observability import Gauge

RECALLED_MAX: Final = 500_000
"""Decisions that counters are filled with: some seconds of work. At higher rates the oldest of a long window are missing."""

YIELD_EVERY: Final = 500
"""Rows counted before others get their turn."""

OVERLAP: Final = timedelta(seconds=5)
"""Read twice, so that a row whose transaction took a while is not passed over. Twice read is counted once."""

ROWS_AT_ONCE: Final = 20_000
ENTRIES_AT_ONCE: Final = 5_000
SWEPT_AT_ONCE: Final = 500
YOUNG_FOR: Final = timedelta(days=31)
"""Accounts and first reveals older than this matter to no rule: the longest window is 30 days."""

_KEYS = Gauge("risk_keys_held", "Members, devices and addresses with a counter in memory")
_FORGOTTEN = Gauge("risk_keys_forgotten", "Counters dropped before their time because there were too many")
_LISTED = Gauge("risk_list_entries", "List entries in memory")


@dataclass(slots=True)
class Position:
    """How far the engine has read: the lists' revision, and the moment up to which all else is known."""

    seen_until: datetime
    revision: int = 0


async def fill(uow: UnitOfWork, desk: Desk, counters: Counters, *, until: datetime) -> int:
    """Count what was decided and revealed before `until` into counters that are new. Needs a transaction.

    :returns: how many decisions were counted.
    """
    since = until - timedelta(seconds=counters.rule_set.longest_window_s)
    counted = 0
    past = repository.decisions_between(uow, since=since, until=until, at_most=RECALLED_MAX)
    async for row in past:
        desk.engine.recall((counters,), row.decision_id, row.question, row.decided_at)
        counted += 1
        if counted % YIELD_EVERY == 0:
            await asyncio.sleep(0)
    for reveal in await repository.reveals_between(uow, since=since, until=until, at_most=RECALLED_MAX):
        desk.engine.recall_first_reveal((counters,), reveal.entitlement_id, reveal.member_id, reveal.revealed_at)
    return counted


async def follow(uow: UnitOfWork, desk: Desk, position: Position, *, now: datetime) -> RuleSet | None:
    """Take up what changed: lists, young accounts, what other processes decided, first reveals.

    :returns: the rules in force, when they are others than the engine's.
    """
    engine = desk.engine
    await _follow_lists(uow, desk, position)
    since = position.seen_until - OVERLAP
    await _follow_accounts(uow, desk, since=since)
    in_use = (engine.counters,)
    others = await repository.decisions_of_others(uow, since=since, writer=desk.writer, at_most=ROWS_AT_ONCE)
    for row in others:
        engine.recall(in_use, row.decision_id, row.question, row.decided_at)
    soon = now + timedelta(minutes=1)
    for reveal in await repository.reveals_between(uow, since=since, until=soon, at_most=ROWS_AT_ONCE):
        engine.recall_first_reveal(in_use, reveal.entitlement_id, reveal.member_id, reveal.revealed_at)
    position.seen_until = now
    _tidy(desk, now)
    rule_set = await repository.latest_rule_set(uow)
    return rule_set if rule_set is not None and rule_set.version != engine.rules_version else None


async def begin(uow: UnitOfWork, desk: Desk, *, now: datetime) -> Position:
    """Before the first answer: take up all lists and young accounts; counters are filled by `fill`."""
    position = Position(seen_until=now)
    await _follow_lists(uow, desk, position)
    await _follow_accounts(uow, desk, since=now - YOUNG_FOR)
    return position


async def _follow_lists(uow: UnitOfWork, desk: Desk, position: Position) -> None:
    while True:
        rows = await repository.changed_entries(uow, after=position.revision, at_most=ENTRIES_AT_ONCE)
        for row in rows:
            position.revision = row.revision
            if row.removed_at is None:
                desk.engine.lists.put(row.entry)
            else:
                desk.engine.lists.remove(row.entry.entry_id)
        if len(rows) < ENTRIES_AT_ONCE:
            return


async def _follow_accounts(uow: UnitOfWork, desk: Desk, *, since: datetime) -> None:
    for member_id, registered_at in await repository.accounts_recorded_since(uow, since=since, at_most=ACCOUNTS_MAX):
        desk.engine.accounts.put(member_id, microseconds(registered_at))


def _tidy(desk: Desk, now: datetime) -> None:
    engine = desk.engine
    engine.lists.drop_expired(now)
    engine.counters.sweep(microseconds(now), at_most=SWEPT_AT_ONCE)
    _KEYS.set(engine.counters.keys_held())
    _FORGOTTEN.set(engine.counters.keys_forgotten())
    _LISTED.set(len(engine.lists))
