"""Writing down what was decided and what was heard."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.risk import events, repository
from services.risk.domain.decisions import Decision, Outcome
from shared.database import UnitOfWork
from shared.messaging import announce


async def record(uow: UnitOfWork, decisions: Sequence[Decision], *, writer: UUID, now: datetime) -> None:
    """Write answers down and announce challenges to members."""
    await repository.insert_decisions(uow, decisions, writer=writer)
    challenges = [events.challenged(decision) for decision in decisions if decision.outcome is Outcome.CHALLENGE]
    said = [event for event in challenges if event is not None]
    if said:
        announce(uow, *said, now=now)


async def record_accounts(uow: UnitOfWork, accounts: Sequence[tuple[UUID, datetime]]) -> None:
    """New members, as (member, registered at)."""
    await repository.insert_accounts(uow, accounts)


async def record_reveals(uow: UnitOfWork, reveals: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """First reveals, as (entitlement, member, revealed at)."""
    if reveals:
        await repository.insert_reveals(uow, reveals)


async def prune_decisions(uow: UnitOfWork, *, before: datetime, at_most: int) -> int:
    """Forget answers that were given before then; answers how many went, at most `at_most`."""
    return await repository.prune_decisions(uow, before=before, at_most=at_most)


async def prune_members(uow: UnitOfWork, *, before: datetime, at_most: int) -> int:
    """Forget old accounts and first reveals; answers how many went, at most `at_most` of each."""
    return await repository.prune_members(uow, before=before, at_most=at_most)
