"""Tickets that settle themselves, decisions that inventory carries out, and deadlines. One process at a time."""

from dataclasses import dataclass

from services.order.clients.after_sale import AfterSale, Exchange
from services.order.domain.returns import NotRefundableError
from services.order.domain.tickets import Deadlines, Ticket, TicketKind, TicketStatus
from services.order.usecases import ticket_desk as desk
from services.order.usecases.refunds import NothingToRefundError
from services.order.usecases.tickets import Papers
from shared.clock import Clock
from shared.database import Database
from shared.http import ServiceRefusedError, ServiceUnavailableError
from shared.observability import get_logger

STEPS_PER_TICK = 50

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TicketJobs:
    """The jobs of after-sale."""

    database: Database
    after_sale: AfterSale
    papers: Papers
    deadlines: Deadlines
    clock: Clock

    async def settle(self) -> None:
        """Act on tickets one after the other, so that a buyer's automatic answers are counted right."""
        async with self.database.exclusive("order.tickets") as ours:
            for _ in ours.rounds(STEPS_PER_TICK):
                async with self.database.begin() as uow:
                    taken = await desk.take_step(uow, now=self.clock())
                if taken is None:
                    return
                ticket, automatic = taken
                try:
                    await self._act(ticket, automatic=automatic)
                except ServiceUnavailableError as error:
                    log.warning("ticket.inventory_silent", ticket_id=ticket.ticket_id, reason=str(error))
                    async with self.database.begin() as uow:
                        await desk.postpone_step(
                            uow, ticket, papers=self.papers, deadlines=self.deadlines, now=self.clock()
                        )

    async def keep_deadlines(self) -> None:
        """Flag what is late, close what is silent."""
        async with self.database.exclusive("order.ticket_deadlines") as ours:
            if ours:
                async with self.database.begin() as uow:
                    await desk.keep_deadlines(uow, now=self.clock())

    async def _act(self, ticket: Ticket, *, automatic: bool) -> None:
        if ticket.status is TicketStatus.REPLACING:
            await self._record(ticket, await self.after_sale.exchange(ticket, approved_by=ticket.resolved_by))
        elif not automatic:
            await self._hand_over(
                ticket, "自动处理次数已达上限，请人工处理。 / The limit of automatic answers is reached."
            )
        elif ticket.kind is TicketKind.REFUND and ticket.component_id is not None:
            await self._refund(ticket)
        else:
            await self._hand_over(ticket, None)

    async def _refund(self, ticket: Ticket) -> None:
        """What nobody has seen goes back at once."""
        try:
            seen = await self.after_sale.was_seen(ticket)
        except ServiceRefusedError:
            seen = True
        if seen:
            await self._hand_over(ticket, None)
            return
        try:
            async with self.database.begin() as uow:
                await desk.refund_by_rule(uow, ticket.ticket_id, deadlines=self.deadlines, now=self.clock())
        except (NotRefundableError, NothingToRefundError):
            await self._hand_over(ticket, None)  # it is on its way back by another way

    async def _record(self, ticket: Ticket, exchange: Exchange) -> None:
        if not exchange.replaced:
            why = exchange.code or "report.open"
            await self._hand_over(ticket, f"未能自动补发（{why}），请人工处理。 / Not replaced: {why}.")
            return
        async with self.database.begin() as uow:
            await desk.note_replaced(uow, ticket.ticket_id, deadlines=self.deadlines, now=self.clock())

    async def _hand_over(self, ticket: Ticket, note: str | None) -> None:
        async with self.database.begin() as uow:
            await desk.hand_to_shop(
                uow, ticket.ticket_id, note, papers=self.papers, deadlines=self.deadlines, now=self.clock()
            )
