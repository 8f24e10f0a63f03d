"""Decisions and first reveals: written in sets, read back to fill counters."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from services.risk.domain.decisions import Decision, Kind, Question, first_id
from shared.database import UnitOfWork

_INSERT: Final = """
insert into decisions (
    decision_id, kind, outcome, member_id, ip, device, phone_hash, order_id, entitlement_id, amount_minor, quantity,
    sku_ids, hits, rules_version, decided_at, writer
)
select
    decision_id, kind, outcome, member_id, ip, device, phone_hash, order_id, entitlement_id, amount_minor, quantity,
    sku_ids::uuid[], hits::jsonb, rules_version, decided_at, $1
from unnest(
    $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::uuid[],
    $11::bigint[], $12::integer[], $13::text[], $14::text[], $15::integer[], $16::timestamptz[]
) as given (
    decision_id, kind, outcome, member_id, ip, device, phone_hash, order_id, entitlement_id, amount_minor, quantity,
    sku_ids, hits, rules_version, decided_at
)
on conflict (decision_id) do nothing
"""
_OLDEST_WANTED: Final = """
select decision_id from decisions
where decision_id >= $1 and decision_id < $2 order by decision_id desc offset $3 limit 1
"""
_BETWEEN: Final = """
select decision_id, kind, member_id, ip, device, amount_minor, quantity, decided_at from decisions
where decision_id >= $1 and decision_id < $2 order by decision_id
"""
_OF_OTHERS: Final = """
select decision_id, kind, member_id, ip, device, amount_minor, quantity, decided_at from decisions
where decision_id >= $1 and writer <> $2 order by decision_id limit $3
"""
_REVEALS: Final = """
select entitlement_id, member_id, revealed_at from reveals
where recorded_at >= $1 and recorded_at < $2 order by recorded_at limit $3
"""
_PRUNE_DECISIONS: Final = """
delete from decisions where ctid = any(array(select ctid from decisions where decision_id < $1 limit $2))
"""
_PRUNE_MEMBERS: Final = (
    "delete from accounts where ctid = any(array(select ctid from accounts where recorded_at < $1 limit $2))",
    "delete from reveals where ctid = any(array(select ctid from reveals where recorded_at < $1 limit $2))",
)

FETCHED_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Recalled:
    """A decision as counters need it."""

    decision_id: UUID
    question: Question
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class RecalledReveal:
    """A first reveal as counters need it."""

    entitlement_id: UUID
    member_id: UUID
    revealed_at: datetime


async def insert_decisions(uow: UnitOfWork, decisions: Sequence[Decision], *, writer: UUID) -> None:
    """One statement for any number of decisions. One that is there already stays as it is."""
    columns = zip(*(_row(decision) for decision in decisions), strict=True)
    await uow.raw.execute(_INSERT, writer, *(list(column) for column in columns))


async def decisions_between(
    uow: UnitOfWork, *, since: datetime, until: datetime, at_most: int
) -> AsyncIterator[Recalled]:
    """The newest decisions of `[since, until)`, oldest first, read in portions. Needs a transaction, for its cursor."""
    start, end = first_id(since), first_id(until)
    start = await uow.raw.fetchval(_OLDEST_WANTED, start, end, at_most - 1) or start
    async for record in uow.raw.cursor(_BETWEEN, start, end, prefetch=FETCHED_AT_ONCE):
        yield _recalled(record)


async def decisions_of_others(uow: UnitOfWork, *, since: datetime, writer: UUID, at_most: int) -> list[Recalled]:
    """What other processes decided since then."""
    return [_recalled(record) for record in await uow.raw.fetch(_OF_OTHERS, first_id(since), writer, at_most)]


async def reveals_between(uow: UnitOfWork, *, since: datetime, until: datetime, at_most: int) -> list[RecalledReveal]:
    """First reveals that were written down within `[since, until)`."""
    records = await uow.raw.fetch(_REVEALS, since, until, at_most)
    return [RecalledReveal(record[0], record[1], record[2]) for record in records]


async def prune_decisions(uow: UnitOfWork, *, before: datetime, at_most: int) -> int:
    """Delete what was decided before then, at most so many rows; answers how many went."""
    return _affected(await uow.raw.execute(_PRUNE_DECISIONS, first_id(before), at_most))


async def prune_members(uow: UnitOfWork, *, before: datetime, at_most: int) -> int:
    """Forget accounts and first reveals that were written down before then, at most so many of each."""
    return sum([_affected(await uow.raw.execute(statement, before, at_most)) for statement in _PRUNE_MEMBERS])


def _row(decision: Decision) -> tuple[Any, ...]:
    question = decision.question
    return (
        decision.decision_id,
        question.kind,
        decision.outcome,
        question.member_id,
        question.ip,
        question.device,
        question.phone_hash,
        question.order_id,
        question.entitlement_id,
        question.amount_minor,
        question.quantity,
        "{" + ",".join(str(sku_id) for sku_id in question.sku_ids) + "}",
        orjson.dumps([asdict(hit) for hit in decision.hits]).decode(),
        decision.rules_version,
        decision.decided_at,
    )


def _recalled(record: asyncpg.Record) -> Recalled:
    question = Question(
        kind=Kind(record["kind"]),
        ip=record["ip"],
        member_id=record["member_id"],
        device=record["device"],
        amount_minor=record["amount_minor"],
        quantity=record["quantity"],
    )
    return Recalled(record["decision_id"], question, record["decided_at"])


def _affected(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])
