"""Messages as members and operators see them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.order.domain.wording import text_of
from services.order.repository.messages import letter_of
from shared.database import UnitOfWork

Json = dict[str, Any]

LAST_ID = UUID(int=(1 << 128) - 1)

_INBOX = """
SELECT m.*, o.order_no FROM messages m JOIN orders o USING (order_id)
WHERE m.member_id = $1 AND m.message_id < $2 AND (NOT $3 OR m.read_at IS NULL)
ORDER BY m.message_id DESC LIMIT $4
"""
_UNREAD = "SELECT count(*) FROM messages WHERE member_id = $1 AND read_at IS NULL"
_SEARCH = """
SELECT m.message_id, m.order_id, o.order_no, m.member_id, m.occasion, m.created_at, m.read_at, m.address_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('channel', d.channel, 'status', d.status, 'tries', d.tries,
        'due_at', d.due_at, 'sent_at', d.sent_at, 'failure', d.failure) ORDER BY d.channel)
        FROM message_deliveries d WHERE d.message_id = m.message_id), '[]'::jsonb) AS deliveries
FROM messages m JOIN orders o USING (order_id)
WHERE m.message_id < $1 AND ($2::uuid IS NULL OR m.order_id = $2)
    AND ($3::text IS NULL OR EXISTS (
        SELECT FROM message_deliveries d WHERE d.message_id = m.message_id AND d.status = $3))
ORDER BY m.message_id DESC LIMIT $4
"""
_WAITING = """
SELECT (SELECT count(*) FROM messages WHERE address_at IS NOT NULL)
    + (SELECT count(*) FROM message_deliveries WHERE due_at IS NOT NULL)
"""
_GIVEN_UP = "SELECT count(*) FROM message_deliveries WHERE status = 'given_up'"


@dataclass(frozen=True, slots=True)
class MessageFigures:
    """Messages on their way, and those that a person has to look at."""

    waiting: int
    given_up: int


async def inbox(uow: UnitOfWork, *, member_id: UUID, unread: bool, before: UUID | None, limit: int) -> list[Json]:
    """What a member was told, the newest first."""
    return [
        {**_shown(row), "read_at": row["read_at"]}
        for row in await uow.raw.fetch(_INBOX, member_id, before or LAST_ID, unread, limit)
    ]


async def unread(uow: UnitOfWork, *, member_id: UUID) -> int:
    """How many messages the member has not read."""
    count: int = await uow.raw.fetchval(_UNREAD, member_id)
    return count


async def search(
    uow: UnitOfWork, *, order_id: UUID | None, status: str | None, before: UUID | None, limit: int
) -> list[Json]:
    """Messages with their deliveries, the newest first: of an order, or with a delivery in a state."""
    return [dict(row) for row in await uow.raw.fetch(_SEARCH, before or LAST_ID, order_id, status, limit)]


async def read_message_figures(uow: UnitOfWork) -> MessageFigures:
    """How messages stand now; both counts are of partial indexes."""
    return MessageFigures(await uow.raw.fetchval(_WAITING), await uow.raw.fetchval(_GIVEN_UP))


def _shown(row: Any) -> Json:
    letter = letter_of(row)
    text = text_of(letter)
    return {
        "message_id": letter.message_id,
        "order_id": letter.notice.order_id,
        "order_no": letter.order_no,
        "occasion": letter.notice.occasion.value,
        "title": text.title,
        "text": text.body,
        "title_en": text.title_en,
        "text_en": text.body_en,
        "created_at": row["created_at"],
    }
