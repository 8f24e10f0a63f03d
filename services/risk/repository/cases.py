"""Cases: opened in sets, decided one by one under a lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, select, update

from services.risk.domain.cases import Case, CaseState
from services.risk.tables import CASES
from shared.database import UnitOfWork

_INSERT: Final = """
insert into cases (case_id, order_id, member_id, decision_id, reasons, amount_minor, currency, state, opened_at, due_at)
select case_id, order_id, member_id, decision_id, reasons::text[], amount_minor, currency, 'open', opened_at, due_at
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[],
            $8::timestamptz[], $9::timestamptz[])
    as given (case_id, order_id, member_id, decision_id, reasons, amount_minor, currency, opened_at, due_at)
on conflict (order_id) do nothing
"""
_HELD: Final = """
select distinct on (order_id) order_id, decision_id, hits
from decisions
where order_id = any($1::uuid[]) and kind = 'checkout' and outcome <> 'allow'
order by order_id, decision_id desc
"""
_DROP: Final = """
update cases set state = 'moot', decided_at = $2, decided_by = $3, note = $4
where order_id = any($1::uuid[]) and state = 'open'
"""


async def held_decisions(uow: UnitOfWork, order_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, tuple[str, ...]]]:
    """Why orders were held: order to (decision, reasons). An order that nobody asked about in time is missing."""
    found = {}
    for record in await uow.raw.fetch(_HELD, list(order_ids)):
        reasons = tuple(dict.fromkeys(hit["code"] for hit in record["hits"]))
        found[record["order_id"]] = (record["decision_id"], reasons)
    return found


async def insert_cases(uow: UnitOfWork, cases: Sequence[Case]) -> None:
    """Open cases. An order has one case: where it is there already, it stays as it is."""
    rows = [
        (
            case.case_id,
            case.order_id,
            case.member_id,
            case.decision_id,
            "{" + ",".join(f'"{reason}"' for reason in case.reasons) + "}",
            case.amount_minor,
            case.currency,
            case.opened_at,
            case.due_at,
        )
        for case in cases
    ]
    await uow.raw.execute(_INSERT, *(list(column) for column in zip(*rows, strict=True)))


async def case_for_update(uow: UnitOfWork, case_id: UUID) -> Case | None:
    """The case, locked until the transaction ends; None where there is none."""
    row = (await uow.sql.execute(select(CASES).where(CASES.c.case_id == case_id).with_for_update())).mappings().first()
    return None if row is None else _case(row)


async def save_verdict(uow: UnitOfWork, case: Case) -> None:
    """Write down how a locked case was decided."""
    values: dict[str, Any] = {
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
