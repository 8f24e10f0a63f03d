"""Cases: opened in sets, decided one by one under a lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, select, update

from services.risk.domain.cases import Case, CaseState
from services.risk.domain.decisions import Answer, Outcome
from services.risk.tables import CASES
from shared.database import UnitOfWork

# In the order of their ids, so that two sets never wait in a circle.
_LOCK_ORDERS: Final = """
select pg_advisory_xact_lock(hashtextextended(order_id::text, 0))
from (select order_id from unnest($1::uuid[]) as order_id order by order_id) as sorted
"""
_INSERT: Final = """
insert into cases (case_id, order_id, member_id, decision_id, reasons, amount_minor, currency, state, opened_at, due_at,
                   decided_at, decided_by, note)
select case_id, order_id, member_id, decision_id, reasons::text[], amount_minor, currency, state, opened_at, due_at,
       decided_at, decided_by, note
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::text[],
            $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::text[])
    as given (case_id, order_id, member_id, decision_id, reasons, amount_minor, currency, state, opened_at, due_at,
              decided_at, decided_by, note)
on conflict (order_id) do nothing
returning order_id
"""
_ANSWERS: Final = """
select distinct on (order_id) order_id, decision_id, outcome, hits
from decisions
where order_id = any($1::uuid[]) and kind = 'checkout'
order by order_id, array_position(array['deny', 'challenge', 'review', 'allow'], outcome::text), decision_id desc
"""
_DROP: Final = """
update cases set state = 'moot', decided_at = $2, decided_by = $3, note = $4
where order_id = any($1::uuid[]) and state = 'open'
"""


async def lock_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> None:
    """Until the transaction ends, nobody else opens a case of these orders or answers a late question about them."""
    await uow.raw.execute(_LOCK_ORDERS, list(order_ids))


async def answers(uow: UnitOfWork, order_ids: Sequence[UUID]) -> dict[UUID, Answer]:
    """How these orders' checkouts were answered, the most severe where it was asked twice. Where nobody asked, none."""
    found = {}
    for record in await uow.raw.fetch(_ANSWERS, list(order_ids)):
        reasons = tuple(dict.fromkeys(hit["code"] for hit in record["hits"]))
        found[record["order_id"]] = Answer(record["decision_id"], Outcome(record["outcome"]), reasons)
    return found


async def insert_cases(uow: UnitOfWork, cases: Sequence[Case]) -> set[UUID]:
    """Write cases; answers whose orders' are new. An order has one case: where it is there already, it stays as it is."""
    rows = [
        (
            case.case_id,
            case.order_id,
            case.member_id,
            case.decision_id,
            "{" + ",".join(f'"{reason}"' for reason in case.reasons) + "}",
            case.amount_minor,
            case.currency,
            case.state,
            case.opened_at,
            case.due_at,
            case.decided_at,
            case.decided_by,
            case.note,
        )
        for case in cases
    ]
    inserted = await uow.raw.fetch(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
    return {row["order_id"] for row in inserted}


async def case_for_update(uow: UnitOfWork, case_id: UUID) -> Case | None:
    """The case, locked until the transaction ends; None where there is none."""
    return await _locked(uow, CASES.c.case_id == case_id)


async def case_of_order_for_update(uow: UnitOfWork, order_id: UUID) -> Case | None:
    """The order's case, locked until the transaction ends; None where there is none."""
    return await _locked(uow, CASES.c.order_id == order_id)


async def save_verdict(uow: UnitOfWork, case: Case) -> None:
    """Write down how a locked case was decided."""
    values: dict[str, Any] = {
        "decision_id": case.decision_id,
        "reasons": list(case.reasons),
        "state": case.state,
        "decided_at": case.decided_at,
        "decided_by": case.decided_by,
        "note": case.note,
    }
    await uow.sql.execute(update(CASES).where(CASES.c.case_id == case.case_id).values(values))


async def drop_open(uow: UnitOfWork, order_ids: Sequence[UUID], *, by: str, note: str, now: datetime) -> int:
    """Close open cases of orders that need no word any more; answers how many."""
    done = await uow.raw.execute(_DROP, list(order_ids), now, by, note)
    return int(done.rsplit(" ", 1)[1])


async def _locked(uow: UnitOfWork, wanted: ColumnElement[bool]) -> Case | None:
    row = (await uow.sql.execute(select(CASES).where(wanted).with_for_update())).mappings().first()
    return None if row is None else _case(row)


def _case(row: RowMapping) -> Case:
    return Case(
        case_id=row["case_id"],
        order_id=row["order_id"],
        member_id=row["member_id"],
        decision_id=row["decision_id"],
        reasons=tuple(row["reasons"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        state=CaseState(row["state"]),
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        note=row["note"],
    )
