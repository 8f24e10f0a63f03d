"""Cases: opened for held orders, decided once, by a person or by an answer of risk's own that came late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.risk import events, repository
from services.risk.domain.cases import SYSTEM, Case, CaseNotFoundError, CaseState, Verdict
from services.risk.domain.decisions import Answer
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.messaging import announce

NOT_ASKED: Final = ("risk.not_asked",)
"""Nobody asked risk in time: the order service held the order for that alone."""


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """A paid order that waits. `amount_minor` is what was paid."""

    order_id: UUID
    member_id: UUID | None
    amount_minor: int
    currency: str


async def open_cases(uow: UnitOfWork, orders: Sequence[HeldOrder], *, due_after: timedelta, now: datetime) -> None:
    """Put held orders into the review queue, with the reasons for which they were held. One case per order.

    An order that was held because our answer was late is released or denied by that answer at once, if it can be.
    """
    if not orders:
        return
    held = {order.order_id: order for order in orders}
    await repository.lock_orders(uow, list(held))
    answers = await repository.answers(uow, list(held))
    cases = [_opened(order, answers.get(order_id), due_after=due_after, now=now) for order_id, order in held.items()]
    fresh = await repository.insert_cases(uow, cases)
    decided = [case for case in cases if case.order_id in fresh and case.state is not CaseState.OPEN]
    announce(uow, *(events.verdict(case) for case in decided), now=now)


async def judge_case(uow: UnitOfWork, order_id: UUID, answer: Answer, *, now: datetime) -> None:
    """Our late answer is here: decide the case that waits for it, or name its reasons. Needs `lock_orders`.

    A case that was opened for an answer already, or that a person has decided, stays as it is.
    """
    case = await repository.case_of_order_for_update(uow, order_id)
    if case is None or case.state is not CaseState.OPEN or case.decision_id is not None:
        return
    judged = case.judged(answer, now=now)
    await repository.save_verdict(uow, judged)
    if judged.state is not CaseState.OPEN:
        announce(uow, events.verdict(judged), now=now)


async def decide_case(
    uow: UnitOfWork, case_id: UUID, verdict: Verdict, *, operator: str, note: str, now: datetime
) -> Case:
    """Release or deny a held order: once, by name, with a note; the word goes to the order service.

    :raises CaseNotFoundError: there is none.
    :raises CaseClosedError: it was decided before.
    """
    case = await repository.case_for_update(uow, case_id)
    if case is None:
        raise CaseNotFoundError(f"no case {case_id}")
    decided = case.decided(verdict, by=operator, note=note, now=now)
    await repository.save_verdict(uow, decided)
    audit = repository.AuditEntry(
        entry_id=new_id(),
        action=f"case.{verdict}",
        subject=str(case_id),
        operator=operator,
        note=note,
        detail={"order_id": str(case.order_id), "from": case.state, "to": decided.state},
        done_at=now,
    )
    await repository.add_audit(uow, audit)
    announce(uow, events.verdict(decided), now=now)
    return decided


async def drop_cases(uow: UnitOfWork, order_ids: Sequence[UUID], *, note: str, now: datetime) -> int:
    """Close open cases of orders that need no word any more, and note why; answers how many."""
    if not order_ids:
        return 0
    return await repository.drop_open(uow, order_ids, by=SYSTEM, note=note, now=now)


def _opened(order: HeldOrder, answer: Answer | None, *, due_after: timedelta, now: datetime) -> Case:
    case = Case(
        case_id=new_id(),
        order_id=order.order_id,
        member_id=order.member_id,
        decision_id=None,
        reasons=NOT_ASKED,
        amount_minor=order.amount_minor,
        currency=order.currency,
        state=CaseState.OPEN,
        opened_at=now,
        due_at=now + due_after,
    )
    return case if answer is None else case.judged(answer, now=now)
