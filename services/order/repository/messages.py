"""Messages and their deliveries, written and claimed in sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record

from services.order.domain.checkouts import SealedContact
from services.order.domain.messages import ChannelName, DeliveryStatus, Letter, Notice, Occasion, Recipient
from shared.clock import new_id
from shared.database import UnitOfWork

LEASE = timedelta(minutes=2)
"""Longer than a batch may take: who finds an older claim knows that its owner died."""

# Told again (a fact heard twice), nothing is added. The names are one text per message: arrays of arrays must be square.
_ADD = """
INSERT INTO messages (message_id, order_id, member_id, occasion, about, goods, amount_minor, currency, expires_at,
    created_at, address_at)
SELECT message_id, order_id, member_id, occasion, about, string_to_array(goods, chr(31)), amount_minor, currency,
    expires_at, $10, $10
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::text[],
    $9::timestamptz[])
    AS u(message_id, order_id, member_id, occasion, about, goods, amount_minor, currency, expires_at)
ON CONFLICT (order_id, occasion, about) DO NOTHING
"""

# Booked before the neighbour is asked: should this process die then, another looks after the lease.
_TAKE_UNADDRESSED = """
WITH due AS (
    SELECT message_id FROM messages WHERE address_at <= $1 ORDER BY address_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE messages m SET address_tries = least(m.address_tries + 1, 1000), address_at = $3
FROM due, orders o WHERE m.message_id = due.message_id AND o.order_id = m.order_id
RETURNING m.message_id, m.order_id, m.member_id, m.occasion, m.address_tries AS tries, o.contact_kek_version,
    o.contact_key, o.contact
"""
_ADDRESSED = "UPDATE messages SET address_at = NULL WHERE message_id = ANY($1::uuid[])"
_POSTPONE_ADDRESSING = """
UPDATE messages m SET address_at = u.at FROM unnest($1::uuid[], $2::timestamptz[]) AS u(message_id, at)
WHERE m.message_id = u.message_id AND m.address_at IS NOT NULL
"""
_ADD_DELIVERIES = """
INSERT INTO message_deliveries (message_id, channel, status, due_at)
SELECT message_id, channel, 'waiting', $3 FROM unnest($1::uuid[], $2::text[]) AS u(message_id, channel)
ON CONFLICT (message_id, channel) DO NOTHING
"""
_TAKE_DUE = """
WITH due AS (
    SELECT message_id FROM message_deliveries WHERE channel = $1 AND due_at <= $2
    ORDER BY due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE message_deliveries d SET tries = d.tries + 1, due_at = $4
FROM due, messages m, orders o
WHERE d.message_id = due.message_id AND d.channel = $1 AND m.message_id = d.message_id AND o.order_id = m.order_id
RETURNING m.*, d.tries, o.order_no, o.contact_kek_version, o.contact_key, o.contact
"""
# Sent again by an operator meanwhile, it waits anew: then what this try came to does not count.
_RECORD = """
UPDATE message_deliveries d SET status = u.status, due_at = u.due_at, failure = u.failure,
    sent_at = CASE WHEN u.status = 'sent' THEN $7 ELSE d.sent_at END
FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::timestamptz[], $6::text[])
    AS u(message_id, tries, status, due_at, failure)
WHERE d.message_id = u.message_id AND d.channel = $1 AND d.status = 'waiting' AND d.tries = u.tries
"""
_AGAIN = """
UPDATE messages SET address_at = $2, address_tries = 0 WHERE message_id = $1 RETURNING order_id
"""
_DELIVERIES_AGAIN = """
UPDATE message_deliveries SET status = 'waiting', tries = 0, due_at = $2, failure = NULL WHERE message_id = $1
"""
_READ = """
UPDATE messages SET read_at = $3 WHERE member_id = $1 AND ($2::uuid IS NULL OR message_id = $2) AND read_at IS NULL
"""
_IS_OWN = "SELECT true FROM messages WHERE member_id = $1 AND message_id = $2"
_PRUNE = (
    "DELETE FROM messages WHERE message_id = ANY(ARRAY(SELECT message_id FROM messages WHERE message_id < $1 LIMIT $2))"
)
_NAMES = """
SELECT order_id, component_id, name FROM order_components
WHERE order_id = ANY($1::uuid[]) AND component_id = ANY($2::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Unaddressed:
    """A message whose ways out are not known. `tries` counts this look."""

    message_id: UUID
    occasion: Occasion
    tries: int
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A letter to be sent now by one channel. `tries` counts this one."""

    letter: Letter
    tries: int
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to. `due_at` is when to try again, while it waits; `failure` a short code, never an address."""

    message_id: UUID
    tries: int
    status: DeliveryStatus
    due_at: datetime | None = None
    failure: str | None = None


async def add_messages(uow: UnitOfWork, notices: Sequence[Notice], *, now: datetime) -> None:
    """Write what is to be told; what was told before is left as it is."""
    await uow.raw.execute(
        _ADD,
        [new_id() for _ in notices],
        [notice.order_id for notice in notices],
        [notice.member_id for notice in notices],
        [notice.occasion.value for notice in notices],
        [notice.about for notice in notices],
        ["\x1f".join(notice.goods) for notice in notices],
        [notice.amount_minor for notice in notices],
        [notice.currency for notice in notices],
        [notice.expires_at for notice in notices],
        now,
    )


async def take_unaddressed(uow: UnitOfWork, *, now: datetime, limit: int) -> list[Unaddressed]:
    """Messages whose ways out are to be found now; each is looked at again after the lease, should nobody record any."""
    rows = await uow.raw.fetch(_TAKE_UNADDRESSED, now, limit, now + LEASE)
    return [Unaddressed(row["message_id"], Occasion(row["occasion"]), row["tries"], _recipient(row)) for row in rows]


async def add_deliveries(uow: UnitOfWork, found: Mapping[UUID, Sequence[ChannelName]], *, now: datetime) -> None:
    """Have each message go out by these ways; one that was found before is no second one."""
    pairs = [(message_id, channel) for message_id, channels in found.items() for channel in channels]
    await uow.raw.execute(_ADDRESSED, list(found))
    await uow.raw.execute(_ADD_DELIVERIES, [pair[0] for pair in pairs], [pair[1].value for pair in pairs], now)


async def postpone_addressing(uow: UnitOfWork, at: Mapping[UUID, datetime]) -> None:
    """Look for these messages' ways out later."""
    await uow.raw.execute(_POSTPONE_ADDRESSING, list(at), list(at.values()))


async def take_due(uow: UnitOfWork, channel: ChannelName, *, now: datetime, limit: int) -> list[DueDelivery]:
    """Letters to be sent by a channel now, booked for the lease: two who ask at once get different ones."""
    rows = await uow.raw.fetch(_TAKE_DUE, channel.value, now, limit, now + LEASE)
    return [DueDelivery(letter_of(row), row["tries"], _recipient(row)) for row in rows]


async def record_outcomes(uow: UnitOfWork, channel: ChannelName, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down what the tries came to."""
    await uow.raw.execute(
        _RECORD,
        channel.value,
        [outcome.message_id for outcome in outcomes],
        [outcome.tries for outcome in outcomes],
        [outcome.status.value for outcome in outcomes],
        [outcome.due_at for outcome in outcomes],
        [outcome.failure for outcome in outcomes],
        now,
    )


async def send_again(uow: UnitOfWork, message_id: UUID, *, now: datetime) -> UUID | None:
    """Have a message go out anew by every way there is, also by ways found since. Its order's id; None: no such message."""
    order_id: UUID | None = await uow.raw.fetchval(_AGAIN, message_id, now)
    if order_id is not None:
        await uow.raw.execute(_DELIVERIES_AGAIN, message_id, now)
    return order_id


async def mark_read(uow: UnitOfWork, *, member_id: UUID, message_id: UUID | None, now: datetime) -> None:
    """Note that a member has read one message, or all (None)."""
    await uow.raw.execute(_READ, member_id, message_id, now)


async def is_own(uow: UnitOfWork, *, member_id: UUID, message_id: UUID) -> bool:
    """Whether the message is this member's."""
    return bool(await uow.raw.fetchval(_IS_OWN, member_id, message_id))


async def component_names(
    uow: UnitOfWork, *, order_ids: Sequence[UUID], component_ids: Sequence[UUID]
) -> dict[tuple[UUID, UUID], str]:
    """What components are called, by order and component."""
    rows = await uow.raw.fetch(_NAMES, order_ids, component_ids)
    return {(row["order_id"], row["component_id"]): row["name"] for row in rows}


async def prune(uow: UnitOfWork, *, before: UUID, limit: int) -> int:
    """Forget messages older than an id, with their deliveries; answers how many."""
    done: str = await uow.raw.execute(_PRUNE, before, limit)
    return int(done.rpartition(" ")[2])


def letter_of(row: Record) -> Letter:
    """The letter of a row of `messages` with its order's number."""
    notice = Notice(
        order_id=row["order_id"],
        member_id=row["member_id"],
        occasion=Occasion(row["occasion"]),
        about=row["about"],
        goods=tuple(row["goods"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        expires_at=row["expires_at"],
    )
    return Letter(row["message_id"], row["order_no"], notice)


def _recipient(row: Record) -> Recipient:
    sealed = None
    if row["member_id"] is None and row["contact"] is not None:
        sealed = SealedContact(row["contact_kek_version"], row["contact_key"], row["contact"])
    return Recipient(row["order_id"], row["member_id"], sealed)
