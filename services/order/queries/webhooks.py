"""Channels' webhooks as operators see them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.order.domain.webhooks import MessageState, WebhookUnknownError
from services.order.schemas.webhooks import WebhookMessageOut, WebhookOut
from services.order.tables import CHANNEL_WEBHOOKS, WEBHOOK_MESSAGES
from shared.database import UnitOfWork

_FIGURES = """
SELECT (SELECT count(*) FROM webhook_messages WHERE state = 'dead') AS dead,
    (SELECT count(*) FROM channel_webhooks WHERE active AND disabled_at IS NOT NULL) AS given_up
"""


@dataclass(frozen=True, slots=True)
class WebhookFigures:
    """What wants an operator: messages that were never taken, and addresses that are not called any more."""

    dead: int
    given_up: int


async def read_webhook_figures(uow: UnitOfWork) -> WebhookFigures:
    """The figures now."""
    row = await uow.raw.fetchrow(_FIGURES)
    if row is None:
        raise RuntimeError("a count answers one row")
    return WebhookFigures(dead=row["dead"], given_up=row["given_up"])


async def webhook_of(uow: UnitOfWork, channel_id: UUID) -> WebhookOut:
    """Where the channel hears, without the secret.

    :raises WebhookUnknownError: it hears nowhere.
    """
    columns = CHANNEL_WEBHOOKS.c
    query = select(columns.url, columns.active, columns.failing_since, columns.disabled_at).where(
        columns.channel_id == channel_id
    )
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        raise WebhookUnknownError(f"channel {channel_id} has no webhook")
    return WebhookOut(
        channel_id=channel_id,
        url=row.url,
        active=row.active,
        failing_since=row.failing_since,
        disabled_at=row.disabled_at,
    )


async def messages_of(
    uow: UnitOfWork, channel_id: UUID, *, state: MessageState, after: UUID | None, limit: int
) -> list[WebhookMessageOut]:
    """The channel's messages in this state, by their ids."""
    columns = WEBHOOK_MESSAGES.c
    query: Any = select(WEBHOOK_MESSAGES).where(columns.channel_id == channel_id, columns.state == state.value)
    if after is not None:
        query = query.where(columns.message_id > after)
    rows = await uow.sql.execute(query.order_by(columns.message_id).limit(limit))
    return [
        WebhookMessageOut(
            message_id=row.message_id,
            kind=row.kind,
            subject_id=row.subject_id,
            content=row.content,
            state=row.state,
            attempts=row.attempts,
            next_try_at=row.next_try_at if row.state == MessageState.DUE.value else None,
            last_error=row.last_error,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )
        for row in rows
    ]
