"""The outbox: facts are written in the transaction that makes them true, and published by the relay afterwards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.clock import new_id
from shared.contracts import Event, dataschema, encode, wrap
from shared.contracts.topics import BY_NAME
from shared.database import UnitOfWork
from shared.messaging import retention
from shared.observability import current_traceparent

CHANNEL = "outbox"
"""The doorbell that wakes the relay."""

PAYLOAD_BYTES_MAX = 512 * 1024
"""An event is small; one that Kafka would refuse must fail where it is made, not block the relay."""

PRUNE_ROWS = 5_000

_COLUMNS = "event_id, topic, key, dataschema, payload, traceparent"


class EventTooLargeError(ValueError):
    """An event is larger than PAYLOAD_BYTES_MAX when encoded."""


@dataclass(frozen=True, slots=True)
class OutboxRows:
    """Events as arrays, one element per event, for `unnest`. `arrays` has them in the order of OUTBOX_INSERT."""

    event_ids: list[UUID] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    schemas: list[str] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    traceparents: list[str | None] = field(default_factory=list)

    @property
    def arrays(self) -> tuple[list[UUID], list[str], list[str], list[str], list[bytes], list[str | None]]:
        return self.event_ids, self.topics, self.keys, self.schemas, self.payloads, self.traceparents

    def __len__(self) -> int:
        return len(self.event_ids)

    @classmethod
    def joined(cls, parts: Iterable["OutboxRows"]) -> "OutboxRows":
        """One set of arrays from many, such as those of the requests that were coalesced into one statement."""
        whole = cls()
        for part in parts:
            whole.event_ids.extend(part.event_ids)
            whole.topics.extend(part.topics)
            whole.keys.extend(part.keys)
            whole.schemas.extend(part.schemas)
            whole.payloads.extend(part.payloads)
            whole.traceparents.extend(part.traceparents)
        return whole


class PendingEvents:
    """What one unit of work has announced so far; written by one INSERT just before its commit.

    `causes` maps a key to the trace of the record that is being handled for it, so that what follows from a record
    continues its trace even when hundreds are handled at once.
    """

    def __init__(self) -> None:
        self.rows = OutboxRows()
        self.causes: dict[str, str] = {}

    async def __call__(self, uow: UnitOfWork) -> None:
        if len(self.rows):
            await uow.raw.execute(_INSERT, *self.rows.arrays)
            ring_outbox(uow)


def announce(uow: UnitOfWork, *events: Event, now: datetime) -> None:
    """State facts that this unit of work makes true. They are published if, and only if, it commits.

    Facts about one key keep their order when they are announced under a lock on what the key names.

    :raises EventTooLargeError: an event has no business being that large.
    """
    pending = pending_events(uow)
    add_rows(pending.rows, events, now=now, causes=pending.causes)


def outbox_rows(
    events: Sequence[Event], *, now: datetime, source: str | None = None, uow: UnitOfWork | None = None
) -> OutboxRows:
    """The rows of these events, for a hot statement that inserts them itself: see `outbox_insert`, and `ring_outbox`.

    `source` is the producing service as `/order`; by default it is the one that the topic belongs to. Where a consumer
    handles records, give its `uow`, so that the records' traces go on.

    :raises EventTooLargeError: an event has no business being that large.
    """
    rows = OutboxRows()
    causes = pending_events(uow).causes if uow is not None else {}
    add_rows(rows, events, now=now, causes=causes, source=source)
    return rows


def outbox_insert(first_parameter: int) -> str:
    """The INSERT of `OutboxRows.arrays` as parameters `$first_parameter` and the five that follow, for a CTE."""
    types = ("uuid", "text", "text", "text", "bytea", "text")
    arrays = ", ".join(f"${first_parameter + position}::{kind}[]" for position, kind in enumerate(types))
    return f"INSERT INTO outbox ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest({arrays}) AS event ({_COLUMNS})"  # noqa: S608  (constants)


_INSERT = outbox_insert(1)


def ring_outbox(uow: UnitOfWork) -> None:
    """Have the relay woken once this unit of work is committed."""
    uow.after_commit(lambda: uow.database.ring(CHANNEL))


def pending_events(uow: UnitOfWork) -> PendingEvents:
    """What this unit of work has announced so far."""
    return uow.before_commit(PendingEvents(), once_key=CHANNEL)


def add_rows(
    rows: OutboxRows,
    events: Sequence[Event],
    *,
    now: datetime,
    causes: dict[str, str],
    source: str | None = None,
) -> None:
    """Append one element per event to the arrays."""
    here = current_traceparent()
    for event in events:
        kind = type(event)
        event_id = new_id()
        origin = source or f"/{BY_NAME[kind.TOPIC].producer}"
        payload = encode(wrap(event, event_id=event_id, source=origin, time=now))
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise EventTooLargeError(f"{kind.TYPE} of {len(payload)} bytes; {PAYLOAD_BYTES_MAX} are allowed")
        key = str(event.key)
        rows.event_ids.append(event_id)
        rows.topics.append(kind.TOPIC)
        rows.keys.append(key)
        rows.schemas.append(dataschema(kind))
        rows.payloads.append(payload)
        rows.traceparents.append(causes.get(key, here))


async def prune_outbox(uow: UnitOfWork, *, now: datetime, limit: int = PRUNE_ROWS) -> int:
    """Delete the oldest published rows that are past their retention, at most `limit`; answers how many went.

    Only the oldest `limit` rows are looked at, so the cost does not grow with the table. Call again while it answers
    `limit`.
    """
    done: str = await uow.raw.execute(_PRUNE, limit, now - retention.OUTBOX)
    return int(done.rpartition(" ")[2])


_PRUNE = """
DELETE FROM outbox
WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1) AND published_at < $2
"""
