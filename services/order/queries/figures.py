"""Figures for the dashboard, from rows. Every query is bounded by an index, whatever the table has grown to."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.order.domain.numbers import first_id
from services.order.queries.messages import MessageFigures, read_message_figures
from services.order.queries.tickets import TicketFigures, read_ticket_figures
from services.order.queries.webhooks import WebhookFigures, read_webhook_figures
from shared.clock import Clock
from shared.database import Database, UnitOfWork

RECENT = timedelta(minutes=15)
"""Ended orders are counted if they were made this lately; open ones are always counted."""

LATENCY_WINDOW = timedelta(minutes=5)
LATENCY_SAMPLE_MAX = 20_000
FRESH_FOR = timedelta(seconds=3)

NEAR_ITS_END = 0.75
"""A review is near its end when this share of its time is over."""

_BY_STATE = """
SELECT status, count(*) AS orders FROM (
    SELECT status FROM orders WHERE due_at IS NOT NULL
    UNION ALL SELECT status FROM orders WHERE status = 'held'
    UNION ALL SELECT status FROM orders
        WHERE order_id >= $1 AND due_at IS NULL AND status IN ('completed', 'cancelled', 'refunded')
) counted GROUP BY status
"""
_LATENCY = """
SELECT count(*) AS orders,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99
FROM (SELECT extract(epoch FROM fulfilled_at - paid_at)::float8 * 1000 AS ms FROM orders
    WHERE order_id >= $1 AND fulfilled_at IS NOT NULL ORDER BY order_id DESC LIMIT $2) recent
"""
_LAST_MINUTE = """
SELECT count(*) AS orders, count(paid_at) AS paid FROM orders WHERE order_id >= $1
"""
_STUCK = "SELECT count(*) FROM orders WHERE nudges > 0 AND due_at IS NOT NULL"
_HELD = "SELECT count(*) FROM orders WHERE status = 'held' AND paid_at <= $1"
_REVIEW = "SELECT count(*) FROM refunds WHERE status = 'review'"


@dataclass(frozen=True, slots=True)
class Latency:
    """Time from money to goods, in milliseconds, of the orders made in the last minutes; None without any."""

    p50_ms: float | None
    p99_ms: float | None
    orders: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How orders stand. `stuck`: a step is late and was announced again. `refunds_in_review` wait for a person.

    `reviews_ending`: held orders that will be refunded soon, unless somebody decides about them.
    """

    orders_by_state: dict[str, int]
    ended_window_s: int
    paid_to_issued: Latency
    orders_last_minute: int
    paid_last_minute: int
    stuck: int
    reviews_ending: int
    refunds_in_review: int
    messages: MessageFigures
    webhooks: WebhookFigures
    tickets: TicketFigures


async def read_figures(uow: UnitOfWork, *, review_within: timedelta, now: datetime) -> Figures:
    """The figures now."""
    states = await uow.raw.fetch(_BY_STATE, first_id(now - RECENT))
    latency = await uow.raw.fetchrow(_LATENCY, first_id(now - LATENCY_WINDOW), LATENCY_SAMPLE_MAX)
    minute = await uow.raw.fetchrow(_LAST_MINUTE, first_id(now - timedelta(minutes=1)))
    if latency is None or minute is None:
        raise RuntimeError("an aggregate answers one row")
    return Figures(
        orders_by_state={row["status"]: row["orders"] for row in states},
        ended_window_s=int(RECENT.total_seconds()),
        paid_to_issued=Latency(
            p50_ms=latency["p50"],
            p99_ms=latency["p99"],
            orders=latency["orders"],
            window_s=int(LATENCY_WINDOW.total_seconds()),
        ),
        orders_last_minute=minute["orders"],
        paid_last_minute=minute["paid"],
        stuck=await uow.raw.fetchval(_STUCK),
        reviews_ending=await uow.raw.fetchval(_HELD, now - review_within * NEAR_ITS_END),
        refunds_in_review=await uow.raw.fetchval(_REVIEW),
        messages=await read_message_figures(uow),
        webhooks=await read_webhook_figures(uow),
        tickets=await read_ticket_figures(uow, now=now),
    )


class FreshFigures:
    """The figures, read from the tables at most once in a while, however many look at them."""

    def __init__(self, database: Database, clock: Clock, *, review_within: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._review_within = review_within
        self._figures: Figures | None = None
        self._read_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def get(self) -> Figures:
        """The figures, at most `FRESH_FOR` old."""
        async with self._turn:
            now = self._clock()
            if self._figures is None or self._read_at is None or now - self._read_at > FRESH_FOR:
                async with self._database.read() as uow:
                    self._figures = await read_figures(uow, review_within=self._review_within, now=now)
                self._read_at = now
            return self._figures
