"""Orders as operators look for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from services.order.domain.checkouts import SealedContact
from services.order.domain.numbers import first_id
from services.order.tables import (
    OPERATOR_ACTIONS,
    ORDER_COMPONENTS,
    ORDERS,
    PAYMENT_ANOMALIES,
    PAYMENTS,
    REFUND_PARTS,
    REFUNDS,
)
from shared.database import UnitOfWork

Json = dict[str, Any]

_SUMMARY = (
    ORDERS.c.order_id,
    ORDERS.c.order_no,
    ORDERS.c.member_id,
    ORDERS.c.channel,
    ORDERS.c.channel_id,
    ORDERS.c.status,
    ORDERS.c.currency,
    ORDERS.c.total_minor,
    ORDERS.c.created_at,
    ORDERS.c.paid_at,
    ORDERS.c.due_at,
    ORDERS.c.nudges,
)


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """What to look for; what is None does not matter. `stuck`: a step is late and was announced again."""

    order_no: str | None = None
    status: str | None = None
    member_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    stuck: bool = False
    channel_id: UUID | None = None


async def search_orders(uow: UnitOfWork, search: OrderSearch, *, before: UUID | None, limit: int) -> list[Json]:
    """Orders that fit, the newest first, from the one before `before` on."""
    statement = _narrowed(select(*_SUMMARY), search).order_by(ORDERS.c.order_id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(ORDERS.c.order_id < before)
    return [_json(row) for row in await uow.sql.execute(statement)]


async def refunds_in_review(uow: UnitOfWork, *, limit: int) -> list[Json]:
    """Refunds that wait for a person, the oldest first: the goods were used, or the provider refused."""
    used = select(REFUND_PARTS.c.refund_id).where(REFUND_PARTS.c.status == "review")
    statement = (
        select(REFUNDS)
        .where((REFUNDS.c.status == "review") | REFUNDS.c.refund_id.in_(used))
        .order_by(REFUNDS.c.requested_at)
        .limit(limit)
    )
    return [_json(row) for row in await uow.sql.execute(statement)]


async def recent_anomalies(uow: UnitOfWork, *, limit: int) -> list[Json]:
    """Notifies that were refused, those last seen first."""
    statement = select(PAYMENT_ANOMALIES).order_by(PAYMENT_ANOMALIES.c.last_at.desc()).limit(limit)
    return [_json(row) for row in await uow.sql.execute(statement)]


async def payments_of(uow: UnitOfWork, order_id: UUID) -> list[Json]:
    """Every attempt to pay the order."""
    columns = [column for column in PAYMENTS.c if column.name != "idempotency_key"]
    statement = select(*columns).where(PAYMENTS.c.order_id == order_id).order_by(PAYMENTS.c.payment_id)
    return [_json(row) for row in await uow.sql.execute(statement)]


async def sealed_contact(uow: UnitOfWork, order_id: UUID) -> SealedContact | None:
    """The guest's contact as it is stored; None for a member's order."""
    statement = select(ORDERS.c.contact_kek_version, ORDERS.c.contact_key, ORDERS.c.contact).where(
        ORDERS.c.order_id == order_id
    )
    row = (await uow.sql.execute(statement)).one_or_none()
    return None if row is None or row.contact is None else SealedContact(*row)


async def timeline(uow: UnitOfWork, order_id: UUID) -> list[Json]:
    """What happened to the order, in order of time, from what its rows remember."""
    steps: list[tuple[datetime | None, str, str | None]] = []
    for row in await uow.sql.execute(select(ORDERS).where(ORDERS.c.order_id == order_id)):
        steps += [(row.created_at, "order.created", None), (row.paid_at, "order.paid", None)]
        steps += [(row.cancelled_at, "order.cancelled", None), (row.fulfilled_at, "order.fulfilled", None)]
        steps.append((row.completed_at, "order.completed", None))
    for row in await uow.sql.execute(select(ORDER_COMPONENTS).where(ORDER_COMPONENTS.c.order_id == order_id)):
        steps += [(row.issued_at, "card.issued", str(row.component_id))]
        steps += [(row.split_at, "settlement.split", str(row.component_id))]
    for row in await uow.sql.execute(select(PAYMENTS).where(PAYMENTS.c.order_id == order_id)):
        steps += [(row.created_at, "payment.begun", row.provider), (row.paid_at, "payment.received", row.outcome)]
    for row in await uow.sql.execute(select(REFUNDS).where(REFUNDS.c.order_id == order_id)):
        steps += [(row.requested_at, "order.refund_requested", row.reason)]
        steps += [(row.ended_at, f"refund.{row.status}", str(row.refund_id))]
    for row in await uow.sql.execute(select(OPERATOR_ACTIONS).where(OPERATOR_ACTIONS.c.order_id == order_id)):
        steps.append((row.at, f"operator.{row.action}", row.operator))
    known = sorted((step for step in steps if step[0] is not None), key=lambda step: str(step[0]))
    return [{"at": at, "what": what, "detail": detail} for at, what, detail in known]


def _narrowed(statement: "Select[Any]", search: OrderSearch) -> "Select[Any]":
    if search.order_no is not None:
        statement = statement.where(ORDERS.c.order_no == search.order_no)
    if search.status is not None:
        statement = statement.where(ORDERS.c.status == search.status)
    if search.member_id is not None:
        statement = statement.where(ORDERS.c.member_id == search.member_id)
    if search.channel_id is not None:
        statement = statement.where(ORDERS.c.channel_id == search.channel_id)
    if search.since is not None:
        statement = statement.where(ORDERS.c.order_id >= first_id(search.since))
    if search.until is not None:
        statement = statement.where(ORDERS.c.order_id < first_id(search.until))
    if search.stuck:
        statement = statement.where(ORDERS.c.nudges > 0, ORDERS.c.due_at.is_not(None))
    return statement


def _json(row: "Row[Any]") -> Json:
    return dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)
