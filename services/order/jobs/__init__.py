"""What time and the outside world bring: unpaid orders and reviews end, providers and risk are asked, late steps are nudged.

Each job runs in one process at a time. Others are called between transactions, never inside one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from services.order.clients.neighbours import Risk
from services.order.clients.providers import (
    MoneyKeeper,
    Providers,
    ProviderUnavailableError,
    ProviderUnknownError,
    RefundAnswer,
    RefundResult,
    ToRefund,
)
from services.order.domain.checkouts import Verdict
from services.order.domain.payments import PaymentMismatchError, PaymentUnknownError, Receipt
from services.order.usecases import housekeeping, reviews
from services.order.usecases.payments import DueQuery, Reported, close_payments, settle_reports, take_due_queries
from services.order.usecases.refunds import (
    DueRefund,
    record_money_refused,
    record_money_sent,
    take_due_refunds,
)
from shared.clock import Clock
from shared.database import Database, UnitOfWork
from shared.http import ServiceRefusedError, ServiceUnavailableError
from shared.observability import Counter, get_logger

PER_TRANSACTION = 200
"""Orders, payments or refunds taken at once: what a lock may be held for."""

ROWS_PRUNED = 2_000

TRANSACTIONS_PER_TICK = 50
"""Then the next tick goes on, so that no job starves the others."""

CALLS_AT_ONCE = 8
"""To one provider, who counts them too, or to risk."""

QUESTIONS_AT_ONCE = 40
"""Risk, when it is silent, is waited for five times."""

log = get_logger(__name__)

_QUERIES = Counter("payment_queries_total", "Providers asked about payments", ["outcome"])
_VERDICTS = Counter("risk_late_verdicts_total", "Questions asked of risk once more", ["decision"])
_REFUNDS = Counter("refund_sends_total", "Providers told to send money back", ["outcome"])

Due = TypeVar("Due")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of the order service. `review_within` is how long a held order waits for somebody's word."""

    database: Database
    providers: Providers[MoneyKeeper]
    risk: Risk
    review_within: timedelta
    clock: Clock

    async def cancel_unpaid(self) -> None:
        """End orders that were not paid in time."""
        await self._in_turns("order.cancel", _cancel, full=PER_TRANSACTION)

    async def expire_reviews(self) -> None:
        """Give back held orders about which nobody decided in time."""
        await self._in_turns("order.review", self._expire_reviews, full=PER_TRANSACTION)

    async def nudge_overdue(self) -> None:
        """Announce the steps of late orders once more."""
        await self._in_turns("order.nudge", _nudge, full=PER_TRANSACTION)

    async def prune(self) -> None:
        """Forget what is kept only for a while."""
        await self._in_turns("order.prune", _prune, full=ROWS_PRUNED)

    async def query_payments(self) -> None:
        """Ask providers about payments whose notify has not come."""
        async with self.database.exclusive("order.query") as ours:
            for _ in ours.rounds(TRANSACTIONS_PER_TICK):
                async with self.database.begin() as uow:
                    due = await take_due_queries(uow, now=self.clock(), limit=PER_TRANSACTION)
                await self._take_in(due, await _at_once(due, self._query))
                if len(due) < PER_TRANSACTION:
                    return

    async def ask_risk_again(self) -> None:
        """Put to risk what it did not answer at checkout, so that no order is held for a busy machine."""
        async with self.database.exclusive("order.judge") as ours:
            if not ours:
                return
            for _ in range(TRANSACTIONS_PER_TICK):
                async with self.database.begin() as uow:
                    due = await reviews.take_due_questions(uow, now=self.clock(), limit=QUESTIONS_AT_ONCE)
                answers = await _at_once(due, self._judge)
                verdicts = {
                    asked.order_id: answer
                    for asked, answer in zip(due, answers, strict=True)
                    if isinstance(answer, Verdict)
                }
                if verdicts:
                    async with self.database.begin() as uow:
                        await reviews.note_late_verdicts(uow, verdicts, now=self.clock())
                if len(due) < QUESTIONS_AT_ONCE or not verdicts:
                    return

    async def send_refunds(self) -> None:
        """Have providers send back what is ready to go, and record what they say."""
        async with self.database.exclusive("order.refund") as ours:
            for _ in ours.rounds(TRANSACTIONS_PER_TICK):
                async with self.database.begin() as uow:
                    due = await take_due_refunds(uow, now=self.clock(), limit=PER_TRANSACTION)
                await self._record(due, await _at_once(due, self._send))
                if len(due) < PER_TRANSACTION:
                    return

    async def _expire_reviews(self, uow: UnitOfWork, now: datetime) -> int:
        return await reviews.expire_reviews(uow, within=self.review_within, now=now, limit=PER_TRANSACTION)

    async def _judge(self, due: reviews.DueQuestion) -> Verdict | None:
        try:
            verdict = await self.risk.judge_late(due.question)
        except (ServiceRefusedError, ServiceUnavailableError) as error:
            _VERDICTS.labels("silent").inc()
            log.warning("risk.still_unavailable", order_id=due.order_id, reason=str(error))
            return None
        _VERDICTS.labels(verdict.decision).inc()
        return verdict

    async def _query(self, due: DueQuery) -> Receipt | None:
        try:
            receipt = await self.providers[due.provider].query_payment(due.payment_id)
        except ProviderUnknownError:
            _QUERIES.labels("unknown_provider").inc()
            return None
        _QUERIES.labels("paid" if receipt else "unpaid").inc()
        return receipt

    async def _take_in(self, due: Sequence[DueQuery], answers: Sequence[Receipt | Exception | None]) -> None:
        """Settle what was paid and close what will not be; where the provider did not answer, it is asked again."""
        reports = [Reported(answer, None, asked=True) for answer in answers if isinstance(answer, Receipt)]
        over = [asked.payment_id for asked, answer in zip(due, answers, strict=True) if asked.over and answer is None]
        if reports:
            async with self.database.begin() as uow:
                outcomes = await settle_reports(uow, reports, now=self.clock())
            for report, outcome in zip(reports, outcomes, strict=True):
                if isinstance(outcome, PaymentUnknownError | PaymentMismatchError):
                    log.error("payment.query_mismatch", payment_id=report.receipt.payment_id, reason=str(outcome))
        if over:
            async with self.database.begin() as uow:
                await close_payments(uow, over)

    async def _send(self, due: DueRefund) -> RefundResult:
        """Ask first where we may have asked before: whoever was not heard may have done it."""
        provider = self.providers[due.provider]
        refund = ToRefund(due.refund_id, due.payment_id, due.amount_minor, due.payment_minor, due.currency)
        if due.tries > 0:
            known = await provider.query_refund(refund)
            if known.answer is not RefundAnswer.UNKNOWN:
                return known
        return await provider.refund(refund)

    async def _record(self, due: Sequence[DueRefund], answers: Sequence[RefundResult | Exception]) -> None:
        sent: dict[UUID, UUID] = {}
        for each, answer in zip(due, answers, strict=True):
            outcome = answer.answer.value if isinstance(answer, RefundResult) else "unavailable"
            _REFUNDS.labels(outcome).inc()
            if not isinstance(answer, RefundResult):
                log.warning("refund.not_answered", refund_id=each.refund_id, reason=str(answer))
            elif answer.answer is RefundAnswer.SENT:
                sent[each.refund_id] = each.order_id
            elif answer.answer is RefundAnswer.REFUSED:
                log.error("refund.refused_by_provider", refund_id=each.refund_id, reason=answer.reason)
                async with self.database.begin() as uow:
                    await record_money_refused(
                        uow, {each.refund_id: each.order_id}, note=answer.reason, now=self.clock()
                    )
        if sent:
            provider_of = {each.refund_id: each.provider for each in due}
            async with self.database.begin() as uow:
                await record_money_sent(uow, sent, provider_of=provider_of, now=self.clock())

    async def _in_turns(self, name: str, step: Callable[[UnitOfWork, datetime], Awaitable[int]], *, full: int) -> None:
        """One transaction after another, as long as each finds its fill."""
        async with self.database.exclusive(name) as ours:
            for _ in ours.rounds(TRANSACTIONS_PER_TICK):
                async with self.database.begin() as uow:
                    found = await step(uow, self.clock())
                if found < full:
                    return


async def _at_once(
    due: Sequence[Due], call: Callable[[Due], Awaitable[Answer]]
) -> list[Answer | ProviderUnavailableError | ProviderUnknownError]:
    """Make the calls, some at a time; what a provider did not answer is answered by its error."""
    turn = asyncio.Semaphore(CALLS_AT_ONCE)

    async def one(each: Due) -> Answer | ProviderUnavailableError | ProviderUnknownError:
        async with turn:
            try:
                return await call(each)
            except (ProviderUnavailableError, ProviderUnknownError) as error:
                return error

    return await asyncio.gather(*(one(each) for each in due))


async def _cancel(uow: UnitOfWork, now: datetime) -> int:
    return await housekeeping.cancel_unpaid(uow, now=now, limit=PER_TRANSACTION)


async def _nudge(uow: UnitOfWork, now: datetime) -> int:
    return await housekeeping.nudge_overdue(uow, now=now, limit=PER_TRANSACTION)


async def _prune(uow: UnitOfWork, now: datetime) -> int:
    return await housekeeping.prune(uow, now=now, limit=ROWS_PRUNED)
