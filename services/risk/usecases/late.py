"""Questions of checkouts that were not answered in time, asked again by order when nobody hurries."""

from datetime import datetime
from uuid import UUID

from services.risk import repository
from services.risk.domain.decisions import Answer, Question
from services.risk.usecases.cases import judge_case
from services.risk.usecases.desk import Desk
from services.risk.usecases.recording import record
from shared.database import UnitOfWork


async def judge_late(uow: UnitOfWork, desk: Desk, question: Question, order_id: UUID, *, now: datetime) -> Answer:
    """The answer to a checkout's question, durable, and what follows from it for an order that is held already.

    The question may have been heard the first time: then the answer is the one given then, and nothing is counted twice.

    :raises InvalidAddressError: the question's `ip` is no address.
    """
    await repository.lock_orders(uow, [order_id])
    answer = (await repository.answers(uow, [order_id])).get(order_id)
    if answer is None:
        decision = desk.engine.known(question) or desk.decide(question, now=now)
        await record(uow, [decision], writer=desk.writer, now=now)
        answer = decision.answer
    await judge_case(uow, order_id, answer, now=now)
    return answer
