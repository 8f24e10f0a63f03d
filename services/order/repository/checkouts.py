"""Claims of idempotency keys, and the one statement that writes new orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.order.domain.checkouts import ClaimWanted, NewOrder
from services.order.domain.deadlines import due_at
from services.order.domain.pricing import Tier
from services.order.repository.orders import ring_changed
from shared.database import UnitOfWork
from shared.messaging import OutboxRows, outbox_insert, ring_outbox

CLAIM_FOR = timedelta(seconds=30)
"""Longer than a checkout's calls and its transaction may take: who finds an older claim knows that its owner died."""

# The first of equal keys in a batch is claimed for; a dead owner's claim is taken over with the order id it minted.
_CLAIM = """
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::uuid[])
        WITH ORDINALITY AS w(caller, key, request_hash, order_id, member_id, place)
), claimed AS (
    INSERT INTO checkouts AS c (caller, key, request_hash, order_id, claimed_until, created_at)
    SELECT DISTINCT ON (caller, key) caller, key, request_hash, order_id, $7::timestamptz, $6::timestamptz
    FROM wanted ORDER BY caller, key, place
    ON CONFLICT (caller, key) DO UPDATE SET claimed_until = excluded.claimed_until
        WHERE NOT c.done AND c.claimed_until <= $6 AND c.request_hash = excluded.request_hash
    RETURNING c.caller, c.key, c.order_id
)
SELECT w.caller, w.key, w.request_hash, claimed.order_id AS claimed_id,
    kept.request_hash AS kept_hash, kept.done AS kept_done, kept.order_id AS kept_id, tier.tier, tier.price_bp
FROM wanted w
LEFT JOIN claimed ON claimed.caller = w.caller AND claimed.key = w.key
LEFT JOIN checkouts kept ON kept.caller = w.caller AND kept.key = w.key
LEFT JOIN member_tiers tier ON tier.member_id = w.member_id
ORDER BY w.place
"""

_RELEASE = """
DELETE FROM checkouts c USING unnest($1::text[], $2::text[], $3::uuid[]) AS u(caller, key, order_id)
WHERE c.caller = u.caller AND c.key = u.key AND c.order_id = u.order_id AND NOT c.done
"""

_PLACE = f"""
WITH new_orders AS (
    INSERT INTO orders (order_id, order_no, member_id, contact_kek_version, contact_key, contact, channel, currency,
        list_minor, total_minor, adjustments, status, flagged, held, risk_decision_id, created_at, pay_before, paid_at,
        due_at, channel_id)
    SELECT order_id, order_no, member_id, kek, wrapped, contact, channel, currency, list_minor,
        total_minor, adjustments::jsonb, status, flagged, held, decision_id, created_at, pay_before, paid_at, due_at, channel_id
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::bytea[], $6::bytea[], $7::text[],
        $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bool[], $14::bool[], $15::uuid[],
        $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::uuid[])
        AS o(order_id, order_no, member_id, kek, wrapped, contact, channel, currency, list_minor, total_minor,
        adjustments, status, flagged, held, decision_id, created_at, pay_before, paid_at, due_at, channel_id)
), new_lines AS (
    INSERT INTO order_lines (order_id, line_id, position, product_id, sku_id, name, quantity, list_minor, total_minor)
    SELECT * FROM unnest($21::uuid[], $22::uuid[], $23::int[], $24::uuid[], $25::uuid[], $26::text[], $27::int[],
        $28::bigint[], $29::bigint[])
), new_components AS (
    INSERT INTO order_components (order_id, component_id, line_id, position, sku_id, name, kind, quantity,
        amount_minor, contract_id, contract_version, contract_hash, status, accept_substitutes)
    SELECT * FROM unnest($30::uuid[], $31::uuid[], $32::uuid[], $33::int[], $34::uuid[], $35::text[], $36::text[],
        $37::int[], $38::bigint[], $39::uuid[], $40::int[], $41::text[], $42::text[], $53::bool[])
), done AS (
    UPDATE checkouts c SET done = true FROM unnest($43::text[], $44::text[]) AS u(caller, key)
    WHERE c.caller = u.caller AND c.key = u.key
), unanswered AS (
    INSERT INTO risk_questions (order_id, question, next_ask_at)
    SELECT order_id, question::jsonb, next_ask_at FROM unnest($45::uuid[], $46::text[], $47::timestamptz[])
        AS q(order_id, question, next_ask_at)
), numbered AS (
    INSERT INTO channel_orders (channel_id, external_id, order_id, content_hash, notify)
    SELECT * FROM unnest($48::uuid[], $49::text[], $50::uuid[], $51::bytea[], $52::bool[])
)
{outbox_insert(54)}
"""  # noqa: S608  # the columns are messaging's constants


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a claim.

    `order_id` is set when the checkout may go on; `done_order_id` when it was finished before; neither when somebody is
    working on it now. `reused`: the key came with other input before. `tier` is the member's, read along.
    """

    order_id: UUID | None
    done_order_id: UUID | None
    reused: bool
    tier: Tier | None


@dataclass(frozen=True, slots=True)
class Placement:
    """A new order with the key that claimed it, and what it announces."""

    new: NewOrder
    caller: str
    key: str
    outbox: OutboxRows


async def claim(uow: UnitOfWork, wanted: Sequence[ClaimWanted], *, now: datetime) -> list[Claim]:
    """Claim the keys, in one statement; answers in the order they came."""
    rows = await uow.raw.fetch(
        _CLAIM,
        [each.caller for each in wanted],
        [each.key for each in wanted],
        [each.request_hash for each in wanted],
        [each.order_id for each in wanted],
        [each.member_id for each in wanted],
        now,
        now + CLAIM_FOR,
    )
    taken: set[tuple[str, str]] = set()
    claims = []
    for each, row in zip(wanted, rows, strict=True):
        name = (row["caller"], row["key"])
        owned = row["claimed_id"] is not None and name not in taken
        taken.add(name)
        claims.append(
            Claim(
                order_id=_minted(each, row["claimed_id"]) if owned else None,
                done_order_id=row["kept_id"] if row["kept_done"] else None,
                reused=row["kept_hash"] is not None and row["kept_hash"] != row["request_hash"],
                tier=None if row["tier"] is None else Tier(row["tier"], row["price_bp"]),
            )
        )
    return claims


def _minted(wanted: ClaimWanted, claimed_id: UUID) -> UUID:
    """Our own id where it was taken, else the one of whoever died: as a plain UUID, which JSON knows."""
    return wanted.order_id if claimed_id == wanted.order_id else UUID(int=claimed_id.int)


async def release(uow: UnitOfWork, claims: Sequence[tuple[str, str, UUID]]) -> None:
    """Forget claims (caller, key, order id) of checkouts that came to nothing, so that they may be tried again."""
    await uow.raw.execute(_RELEASE, *(list(column) for column in zip(*claims, strict=True)))


async def place(uow: UnitOfWork, placements: Sequence[Placement]) -> None:
    """Write the orders with all that hangs on them, in one statement.

    :raises asyncpg.UniqueViolationError: one of them was written before (`pk_orders`, `pk_channel_orders`), or its number is another's.
    """
    orders: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    components: list[tuple[Any, ...]] = []
    unanswered = [placement.new for placement in placements if placement.new.unanswered is not None]
    numbered = [placement.new.bought_by for placement in placements if placement.new.bought_by is not None]
    for placement in placements:
        new = placement.new
        orders.append(_order_row(new))
        lines.extend(_line_rows(new))
        components.extend(_component_rows(new))
    await uow.raw.execute(
        _PLACE,
        *_columns(orders),
        *_columns(lines),
        *_columns(components),
        [placement.caller for placement in placements],
        [placement.key for placement in placements],
        [new.order.order_id for new in unanswered],
        [orjson.dumps(new.unanswered).decode() for new in unanswered],
        [new.created_at for new in unanswered],
        [order.channel_id for order in numbered],
        [order.external_id for order in numbered],
        [order.order_id for order in numbered],
        [order.content_hash for order in numbered],
        [order.notify for order in numbered],
        [part.accept_substitutes for placement in placements for part in placement.new.order.components],
        *OutboxRows.joined(placement.outbox for placement in placements).arrays,
    )
    ring_outbox(uow)
    ring_changed(uow)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _order_row(new: NewOrder) -> tuple[Any, ...]:
    order, contact = new.order, new.contact
    return (
        order.order_id,
        new.order_no,
        order.member_id,
        contact.kek_version if contact else None,
        contact.wrapped_key if contact else None,
        contact.sealed if contact else None,
        new.channel,
        order.currency,
        new.list_minor,
        order.total_minor,
        orjson.dumps(new.adjustments).decode(),
        order.status,
        order.flagged,
        order.held,
        new.risk_decision_id,
        new.created_at,
        order.pay_before,
        order.paid_at,
        due_at(order, now=new.created_at),
        order.channel_id,
    )


def _line_rows(new: NewOrder) -> list[tuple[Any, ...]]:
    return [
        (
            new.order.order_id,
            line.line_id,
            position,
            line.product_id,
            line.sku_id,
            line.name,
            line.quantity,
            line.list_minor,
            line.total_minor,
        )
        for position, line in enumerate(new.lines)
    ]


def _component_rows(new: NewOrder) -> list[tuple[Any, ...]]:
    return [
        (
            new.order.order_id,
            part.component_id,
            part.line_id,
            position,
            part.sku_id,
            part.name,
            part.kind,
            part.quantity,
            part.amount_minor,
            part.contract_id,
            part.contract_version,
            part.contract_hash,
            part.status,
        )
        for position, part in enumerate(new.order.components)
    ]
