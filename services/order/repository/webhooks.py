"""Channels' webhooks: kept, queued by sets, taken by sets, and what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from asyncpg import Record

from services.order.domain.webhooks import COALESCED_FOR, DueMessage, Endpoint, MessageKind, OrderMessage
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

LEASE = timedelta(minutes=1)
"""Longer than a sending may take: who dies on the way leaves the message due again after it."""

_KEEP = """
INSERT INTO channel_webhooks AS w (channel_id, url, secret_sealed, secret_key, secret_kek_version, active, changed_by,
    changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (channel_id) DO UPDATE SET url = excluded.url, secret_sealed = excluded.secret_sealed,
    secret_key = excluded.secret_key, secret_kek_version = excluded.secret_kek_version, active = excluded.active,
    failing_since = NULL, disabled_at = NULL, changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""

_QUEUE_ORDERS = """
INSERT INTO webhook_messages (message_id, channel_id, kind, subject_id, content, state, next_try_at, created_at)
SELECT gen_random_uuid(), o.channel_id, u.kind, u.subject_id,
    jsonb_build_object('external_id', o.external_id, 'order_id', o.order_id) || u.content::jsonb, 'due', $5, $5
FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[]) AS u(kind, subject_id, order_id, content)
JOIN channel_orders o ON o.order_id = u.order_id AND o.notify
JOIN channel_webhooks w ON w.channel_id = o.channel_id AND w.active
ON CONFLICT (channel_id, kind, subject_id) WHERE kind NOT IN ('product.changed', 'stock.changed') DO NOTHING
"""

# What a channel may not buy it does not hear of. A message that waits tells the newest.
_QUEUE_PRODUCTS = """
INSERT INTO webhook_messages AS m
    (message_id, channel_id, kind, subject_id, content, state, next_try_at, created_at)
SELECT gen_random_uuid(), w.channel_id, 'product.changed', u.product_id,
    jsonb_build_object('product_id', u.product_id, 'sku_ids', u.skus::jsonb), 'due', $4, $5
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u(product_id, category, skus)
CROSS JOIN channel_webhooks w JOIN channels t ON t.channel_id = w.channel_id AND t.active
WHERE w.active AND (cardinality(t.sku_ids) + cardinality(t.product_ids) + cardinality(t.categories) = 0
    OR u.product_id = ANY (t.product_ids) OR u.category = ANY (t.categories)
    OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(u.skus::jsonb) AS s(sku_id) WHERE s.sku_id::uuid = ANY (t.sku_ids)))
ON CONFLICT (channel_id, kind, subject_id) WHERE state = 'due' AND kind IN ('product.changed', 'stock.changed')
DO UPDATE SET content = excluded.content, edition = m.edition + 1
"""

_QUEUE_STOCK = """
INSERT INTO webhook_messages AS m
    (message_id, channel_id, kind, subject_id, content, state, next_try_at, created_at)
SELECT gen_random_uuid(), w.channel_id, 'stock.changed', u.sku_id,
    jsonb_build_object('sku_id', u.sku_id, 'stock', u.available), 'due', $3, $4
FROM unnest($1::uuid[], $2::bigint[]) AS u(sku_id, available)
CROSS JOIN channel_webhooks w JOIN channels t ON t.channel_id = w.channel_id AND t.active
WHERE w.active AND (cardinality(t.sku_ids) + cardinality(t.product_ids) + cardinality(t.categories) = 0
    OR u.sku_id = ANY (t.sku_ids)
    OR EXISTS (SELECT 1 FROM products p WHERE (p.product_id = ANY (t.product_ids) OR p.category = ANY (t.categories))
        AND p.skus @> jsonb_build_array(jsonb_build_object('sku_id', u.sku_id))))
ON CONFLICT (channel_id, kind, subject_id) WHERE state = 'due' AND kind IN ('product.changed', 'stock.changed')
DO UPDATE SET content = excluded.content, edition = m.edition + 1
"""

# So many of each channel, that one whose address hangs does not hold up the others.
_TAKE = """
WITH due AS (
    SELECT m.message_id, w.url, w.secret_sealed, w.secret_key, w.secret_kek_version
    FROM channel_webhooks w CROSS JOIN LATERAL (
        SELECT message_id FROM webhook_messages
        WHERE channel_id = w.channel_id AND state = 'due' AND next_try_at <= $1
        ORDER BY next_try_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
    ) m
    WHERE w.active AND w.disabled_at IS NULL
)
UPDATE webhook_messages m SET attempts = m.attempts + 1, next_try_at = $2
FROM due WHERE m.message_id = due.message_id
RETURNING m.message_id, m.channel_id, m.kind, m.content, m.attempts, m.edition, m.created_at, due.url,
    due.secret_sealed, due.secret_key, due.secret_kek_version
"""

# A message that has something newer to tell by now stays due.
_RECORD = """
UPDATE webhook_messages m SET
    state = CASE WHEN u.error = '' AND m.edition = u.edition THEN 'delivered' WHEN u.dead THEN 'dead' ELSE 'due' END,
    ended_at = CASE WHEN u.error = '' AND m.edition = u.edition OR u.dead THEN $6::timestamptz END,
    attempts = CASE WHEN u.error = '' THEN 0 ELSE m.attempts END,
    next_try_at = u.next_try_at, last_error = u.error
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bool[], $5::timestamptz[])
    AS u(message_id, edition, error, dead, next_try_at)
WHERE m.message_id = u.message_id AND m.state = 'due'
"""

_RATE = """
UPDATE channel_webhooks w SET
    failing_since = CASE WHEN u.took THEN NULL ELSE coalesce(w.failing_since, $4) END,
    disabled_at = CASE WHEN u.gone OR (NOT u.took AND w.failing_since < $5) THEN $4 ELSE w.disabled_at END
FROM unnest($1::uuid[], $2::bool[], $3::bool[]) AS u(channel_id, took, gone)
WHERE w.channel_id = u.channel_id AND w.disabled_at IS NULL
RETURNING w.channel_id, w.disabled_at IS NOT NULL AS disabled
"""

_REDELIVER = """
UPDATE webhook_messages SET state = 'due', ended_at = NULL, attempts = 0, next_try_at = $3
WHERE channel_id = $1 AND message_id = $2 AND state <> 'due' RETURNING message_id
"""
_PRUNE = """
DELETE FROM webhook_messages WHERE ctid = ANY (ARRAY(SELECT ctid FROM webhook_messages WHERE ended_at < $1 LIMIT $2))
"""


async def keep_endpoint(uow: UnitOfWork, endpoint: Endpoint, *, active: bool, changed_by: str, now: datetime) -> None:
    """Where the channel hears from now on; what had been given up is tried again."""
    key = endpoint.secret_key
    await uow.raw.execute(
        _KEEP,
        endpoint.channel_id,
        endpoint.url,
        endpoint.secret_sealed,
        key.wrapped,
        key.kek_version,
        active,
        changed_by,
        now,
    )


async def queue_orders(uow: UnitOfWork, messages: Sequence[OrderMessage], *, now: datetime) -> None:
    """Have channels told of their orders, once each. Orders of nobody who listens are left out."""
    await uow.raw.execute(
        _QUEUE_ORDERS,
        [message.kind.value for message in messages],
        [message.subject_id for message in messages],
        [message.order_id for message in messages],
        [orjson.dumps(message.content).decode() for message in messages],
        now,
    )


async def queue_products(uow: UnitOfWork, products: Mapping[UUID, tuple[str, Sequence[str]]], *, now: datetime) -> None:
    """Have channels told that products changed: category and SKUs by product."""
    await uow.raw.execute(
        _QUEUE_PRODUCTS,
        list(products),
        [category for category, _ in products.values()],
        [orjson.dumps(list(sku_ids)).decode() for _, sku_ids in products.values()],
        now + COALESCED_FOR,
        now,
    )


async def queue_stock(uow: UnitOfWork, available: Mapping[UUID, int], *, now: datetime) -> None:
    """Have channels told what is left of SKUs."""
    await uow.raw.execute(_QUEUE_STOCK, list(available), list(available.values()), now + COALESCED_FOR, now)


async def take_due(uow: UnitOfWork, *, now: datetime, limit: int) -> list[DueMessage]:
    """Messages to send now, at most `limit` of each channel; each is due again later, should nobody record an answer."""
    return [_due(row) for row in await uow.raw.fetch(_TAKE, now, now + LEASE, limit)]


async def record_sent(
    uow: UnitOfWork, outcomes: Sequence[tuple[DueMessage, str, bool, datetime]], *, now: datetime
) -> None:
    """Write down what became of sendings: message, error, whether it is dead, and when it is tried again."""
    await uow.raw.execute(
        _RECORD,
        [due.message_id for due, _, _, _ in outcomes],
        [due.edition for due, _, _, _ in outcomes],
        [error for _, error, _, _ in outcomes],
        [dead for _, _, dead, _ in outcomes],
        [next_at for _, _, _, next_at in outcomes],
        now,
    )


async def rate_endpoints(
    uow: UnitOfWork, took: Mapping[UUID, bool], *, gone: frozenset[UUID], failing_before: datetime, now: datetime
) -> list[UUID]:
    """Note whether channels' addresses took anything; answers those that are given up now."""
    rows = await uow.raw.fetch(
        _RATE, list(took), list(took.values()), [channel_id in gone for channel_id in took], now, failing_before
    )
    return [row["channel_id"] for row in rows if row["disabled"]]


async def redeliver(uow: UnitOfWork, channel_id: UUID, message_id: UUID, *, now: datetime) -> bool:
    """Have an ended message sent again; whether there is one."""
    return await uow.raw.fetchval(_REDELIVER, channel_id, message_id, now) is not None


async def prune(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Forget messages that ended before a moment; answers how many."""
    done: str = await uow.raw.execute(_PRUNE, before, limit)
    return int(done.rpartition(" ")[2])


def _due(row: Record) -> DueMessage:
    content: dict[str, Any] = row["content"]
    endpoint = Endpoint(
        channel_id=row["channel_id"],
        url=row["url"],
        secret_sealed=row["secret_sealed"],
        secret_key=WrappedKey(row["secret_kek_version"], row["secret_key"]),
    )
    return DueMessage(
        message_id=row["message_id"],
        endpoint=endpoint,
        kind=MessageKind(row["kind"]).value,
        content=content,
        attempts=row["attempts"],
        edition=row["edition"],
        created_at=row["created_at"],
    )
