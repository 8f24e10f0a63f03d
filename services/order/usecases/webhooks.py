"""Channels are told what happened: queued in the transaction of what happened, sent by a job, given up after days."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.order.domain.webhooks import (
    ATTEMPTS_MAX,
    DISABLED_AFTER,
    DueMessage,
    Endpoint,
    MessageKind,
    OrderMessage,
    Sent,
    WebhookUnknownError,
    next_try_at,
)
from services.order.repository import webhooks
from services.order.repository.webhooks import take_due
from services.order.usecases.changes import Changes
from shared.contracts import (
    CardRejectedV1,
    Event,
    OrderRefundedV1,
    ProductChangedV1,
)
from shared.crypto import Keyring, Secret, WrappedKey, new_dek, open_sealed, seal
from shared.database import UnitOfWork
from shared.observability import get_logger

__all__ = [
    "keep_endpoint",
    "open_secret",
    "prune",
    "record_sent",
    "redeliver",
    "take_due",
    "tell_fulfilled",
    "tell_products",
    "tell_refunds",
    "tell_rejected",
    "tell_stock",
]

KEPT = timedelta(days=30)

log = get_logger(__name__)


async def tell_fulfilled(uow: UnitOfWork, changes: Changes, *, now: datetime) -> None:
    """Have channels told which orders of theirs are delivered by these changes."""
    await _queue(
        uow,
        [
            OrderMessage(MessageKind.ORDER_FULFILLED, new.order_id, new.order_id, {"fulfilled_at": new.fulfilled_at})
            for old, new in changes.pairs
            if new.channel_id is not None and old.fulfilled_at is None and new.fulfilled_at is not None
        ],
        now=now,
    )


async def tell_refunds(uow: UnitOfWork, changes: Changes, announced: Iterable[Event], *, now: datetime) -> None:
    """Have channels told that money of theirs is back, as it was announced."""
    await _queue(
        uow,
        [
            _refunded(event)
            for event in announced
            if isinstance(event, OrderRefundedV1) and changes[event.order_id].channel_id is not None
        ],
        now=now,
    )


async def tell_rejected(
    uow: UnitOfWork, changes: Changes, rejected: Iterable[CardRejectedV1], *, now: datetime
) -> None:
    """Have channels told which components of theirs cannot be had."""
    messages = [
        OrderMessage(
            MessageKind.COMPONENT_REJECTED,
            fact.component_id,
            fact.order_id,
            {"component_id": str(fact.component_id), "sku_id": str(fact.sku_id), "reason": fact.reason},
        )
        for fact in rejected
        if changes[fact.order_id].channel_id is not None
    ]
    await _queue(uow, messages, now=now)


async def tell_products(uow: UnitOfWork, changed: Sequence[ProductChangedV1], *, now: datetime) -> None:
    """Have channels told that goods changed; the newest counts, and what it now is they read."""
    products = {fact.product_id: (fact.category, [str(sku.sku_id) for sku in fact.skus]) for fact in changed}
    await webhooks.queue_products(uow, products, now=now)


async def tell_stock(uow: UnitOfWork, available: dict[UUID, int], *, now: datetime) -> None:
    """Have channels told what is left."""
    if available:
        await webhooks.queue_stock(uow, available, now=now)


async def keep_endpoint(
    uow: UnitOfWork,
    *,
    channel_id: UUID,
    url: str,
    secret: Secret,
    active: bool,
    keyring: Keyring,
    changed_by: str,
    now: datetime,
) -> None:
    """Where the channel hears from now on. The secret is sealed under a data key of its own."""
    dek = new_dek()
    endpoint = Endpoint(channel_id, url, seal(dek, secret.reveal().encode(), aad=_aad(channel_id)), keyring.wrap(dek))
    await webhooks.keep_endpoint(uow, endpoint, active=active, changed_by=changed_by, now=now)


def open_secret(endpoint: Endpoint, *, keyring: Keyring) -> Secret:
    """What the channel's messages are signed with.

    :raises SealBrokenError: the row is not what was stored.
    """
    key = WrappedKey(endpoint.secret_key.kek_version, endpoint.secret_key.wrapped)
    aad = _aad(endpoint.channel_id)
    return Secret(open_sealed(keyring.unwrap(key), endpoint.secret_sealed, aad=aad).decode())


async def record_sent(uow: UnitOfWork, sent: Sequence[Sent], *, now: datetime) -> None:
    """What became of sendings. Refused ones are tried again later, in the end not any more; so is an address given up."""
    outcomes = [_outcome(each, now) for each in sent]
    await webhooks.record_sent(uow, outcomes, now=now)
    took: dict[UUID, bool] = {}
    for each in sent:
        channel_id = each.due.endpoint.channel_id
        took[channel_id] = took.get(channel_id, False) or not each.error
    gone = frozenset(each.due.endpoint.channel_id for each in sent if each.gone)
    given_up = await webhooks.rate_endpoints(uow, took, gone=gone, failing_before=now - DISABLED_AFTER, now=now)
    for channel_id in given_up:
        log.error("webhook.disabled", channel_id=channel_id)


async def redeliver(uow: UnitOfWork, channel_id: UUID, message_id: UUID, *, now: datetime) -> None:
    """Have a message sent again that is dead, or was delivered.

    :raises WebhookUnknownError: there is no such message of the channel, or it is due anyway.
    """
    if not await webhooks.redeliver(uow, channel_id, message_id, now=now):
        raise WebhookUnknownError(f"channel {channel_id} has no ended message {message_id}")


async def prune(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Forget messages that ended a month ago; answers how many."""
    return await webhooks.prune(uow, before=now - KEPT, limit=limit)


async def _queue(uow: UnitOfWork, messages: Sequence[OrderMessage], *, now: datetime) -> None:
    if messages:
        await webhooks.queue_orders(uow, messages, now=now)


def _refunded(event: OrderRefundedV1) -> OrderMessage:
    content = {
        "refund_id": str(event.refund_id),
        "amount_minor": event.amount_minor,
        "currency": event.currency,
        "components": [str(part.component_id) for part in event.components],
        "whole": event.whole,
    }
    return OrderMessage(MessageKind.ORDER_REFUNDED, event.refund_id, event.order_id, content)


def _outcome(sent: Sent, now: datetime) -> tuple[DueMessage, str, bool, datetime]:
    due = sent.due
    if not sent.error:
        return due, "", False, now
    return due, sent.error, due.attempts >= ATTEMPTS_MAX, next_try_at(attempts=due.attempts, now=now)


def _aad(channel_id: UUID) -> bytes:
    return b"order.channel-webhook|" + channel_id.bytes
