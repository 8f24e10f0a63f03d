"""The points service without its edges: events go in through its consumer's processor, and what it said is read back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from services.points import queries
from services.points.consumers import handlers
from services.points.domain.earning import Terms
from services.points.schemas import AccountOut
from shared.clock import new_id, utc_now
from shared.contracts import (
    BY_SCHEMA,
    CardIssuedV1,
    CardRevokedV1,
    Event,
    PointsAccruedV1,
    PointsReversedV1,
    dataschema,
    decode,
    encode,
    wrap,
)
from shared.database import Database
from shared.messaging.delivery import Delivery
from shared.messaging.processing import Processor

ISSUED_AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
TERMS = Terms(pending_for=timedelta(days=7), lifetime_months=12)
E = TypeVar("E", bound=Event)


def an_issue(
    amount_minor: int = 1_999,
    *,
    member_id: UUID | None = None,
    order_id: UUID | None = None,
    component_id: UUID | None = None,
    issued_at: datetime = ISSUED_AT,
) -> CardIssuedV1:
    """A component that was delivered; without a member id to a guest."""
    return CardIssuedV1(
        order_id=order_id or new_id(),
        component_id=component_id or new_id(),
        sku_id=new_id(),
        member_id=member_id,
        line_id=new_id(),
        quantity=1,
        entitlement_ids=(new_id(),),
        masked=("****1234",),
        currency="CNY",
        amount_minor=amount_minor,
        cost_minor=amount_minor // 2,
        issued_at=issued_at,
    )


def a_revocation(issue: CardIssuedV1, *, refund_id: UUID | None = None) -> CardRevokedV1:
    """The refund of what was delivered."""
    return CardRevokedV1(
        order_id=issue.order_id,
        component_id=issue.component_id,
        sku_id=issue.sku_id,
        member_id=issue.member_id,
        refund_id=refund_id or new_id(),
        entitlement_ids=issue.entitlement_ids,
    )


def a_delivery(event: Event, *, event_id: UUID | None = None) -> Delivery:
    """The event as it comes from its topic."""
    envelope = wrap(event, event_id=event_id or new_id(), source="/inventory", time=utc_now())
    return Delivery(
        topic=event.TOPIC,
        partition=0,
        offset=0,
        key=str(event.key),
        event_id=envelope.id,
        dataschema=dataschema(type(event)),
        payload=encode(envelope),
        traceparent=None,
    )


@dataclass
class House:
    """The service on one database."""

    database: Database
    terms: Terms = TERMS
    processor: Processor = field(init=False)

    def __post_init__(self) -> None:
        self.processor = Processor(self.database, "points", handlers(self.terms))

    async def hear(self, *events: Event) -> None:
        """Let one batch of events take effect."""
        await self.deliver([a_delivery(event) for event in events])

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Let one batch of deliveries take effect; none may end in the table of parked records."""
        await self.processor.process(deliveries, abandon=[asyncio.Event()])
        assert await self.fetch("SELECT reason FROM parked_records") == []

    async def deliver_past_the_inbox(self, deliveries: Sequence[Delivery]) -> None:
        """As if the inbox had forgotten everything."""
        async with self.database.begin() as uow:
            await self.processor.apply(uow, deliveries)

    async def said(self, kind: type[E]) -> list[E]:
        """What the service announced of one kind, in order."""
        rows = await self.fetch("SELECT dataschema, payload FROM outbox ORDER BY id")
        events = [decode(row["payload"], BY_SCHEMA[row["dataschema"]]).data for row in rows]
        return [event for event in events if isinstance(event, kind)]

    async def accrued(self, issue: CardIssuedV1) -> list[PointsAccruedV1]:
        """What was said about a delivered component."""
        return [event for event in await self.said(PointsAccruedV1) if event.component_id == issue.component_id]

    async def reversed(self, issue: CardIssuedV1) -> list[PointsReversedV1]:
        """What was said about its refunds."""
        return [event for event in await self.said(PointsReversedV1) if event.component_id == issue.component_id]

    async def account(self, member_id: UUID, *, now: datetime = ISSUED_AT) -> AccountOut:
        """What the member sees."""
        async with self.database.read() as uow:
            return await queries.account(uow, member_id=member_id, now=now)

    async def fetch(self, statement: str, *arguments: Any) -> "list[asyncpg.Record]":
        """Look into the tables."""
        async with self.database.read() as uow:
            return await uow.raw.fetch(statement, *arguments)

    async def assert_books_tie(self) -> None:
        """Entries, lots, uses and accounts say the same, for every member."""
        assert await self.fetch(BOOKS_THAT_DIFFER) == []
        assert await self.fetch(LOTS_THAT_DIFFER) == []
        assert await self.fetch(RUNNING_BALANCES_THAT_DIFFER) == []


BOOKS_THAT_DIFFER = """
SELECT a.* FROM accounts a
  LEFT JOIN (SELECT member_id, sum(points) AS points, count(*) AS lines, max(sequence) AS sequence
               FROM entries GROUP BY 1) e USING (member_id)
  LEFT JOIN (SELECT member_id, sum(remaining) FILTER (WHERE state = 'available') AS available,
                    sum(remaining) FILTER (WHERE state = 'pending') AS pending FROM lots GROUP BY 1) l USING (member_id)
 WHERE a.balance <> coalesce(e.points, 0) OR a.sequence <> coalesce(e.lines, 0)
    OR a.sequence <> coalesce(e.sequence, 0)
    OR a.available <> coalesce(l.available, 0) OR a.pending <> coalesce(l.pending, 0)
"""
LOTS_THAT_DIFFER = """
SELECT l.* FROM lots l LEFT JOIN (SELECT lot_id, sum(points) AS points FROM uses GROUP BY 1) u USING (lot_id)
 WHERE l.granted - l.remaining <> coalesce(u.points, 0)
"""
RUNNING_BALANCES_THAT_DIFFER = """
SELECT * FROM (
    SELECT balance, sum(points) OVER (PARTITION BY member_id ORDER BY sequence) AS running FROM entries
) AS told WHERE balance <> running
"""
