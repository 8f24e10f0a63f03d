"""What operators do about records that a consumer gave up on: look, replay after the cause is mended, or skip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import UnitOfWork
from shared.messaging.consumer import Consumer
from shared.messaging.delivery import Delivery
from shared.messaging.parking import readable
from shared.messaging.tables import ParkedState
from shared.observability import describe_error, get_logger

log = get_logger(__name__)

_COLUMNS = """
id, consumer, topic, partition, record_offset, key, event_id, dataschema, traceparent, reason, attempts, state,
parked_at, settled_at
"""
_LIST = f"""
SELECT {_COLUMNS}, (
    SELECT count(*) FROM parked_records AS behind
    WHERE behind.consumer = record.consumer AND behind.topic = record.topic AND behind.key = record.key
      AND behind.state = 'waiting' AND record.state = 'parked'
) AS waiting
FROM parked_records AS record
WHERE state = ANY($1::text[]) AND id < $2 ORDER BY id DESC LIMIT $3
"""  # noqa: S608  (constants)
_LOCK = f"SELECT {_COLUMNS}, payload FROM parked_records WHERE id = $1 FOR UPDATE"  # noqa: S608
_SETTLE = "UPDATE parked_records SET state = $2, settled_at = now() WHERE id = $1"
_PROMOTE = """
UPDATE parked_records SET state = 'parked' WHERE id = (
    SELECT id FROM parked_records
    WHERE consumer = $1 AND topic = $2 AND key = $3 AND state = 'waiting' ORDER BY id LIMIT 1
) RETURNING id
"""
_REFUSED = "UPDATE parked_records SET reason = $2, attempts = attempts + 1 WHERE id = $1"

LAST_ID = 2**63 - 1


class DeadLetterNotFoundError(Exception):
    """There is no parked record of that id."""


class DeadLetterSettledError(Exception):
    """The record was replayed or skipped before, or it waits behind another: settle that one first."""


class ReplayFailedError(Exception):
    """The handler refuses the record still; it stays parked, and so does what waits behind it."""


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """`waiting` counts the records behind this one. The payload is not shown: it may be personal."""

    id: int
    consumer: str
    topic: str
    partition: int
    record_offset: int
    key: str
    event_id: UUID
    dataschema: str
    traceparent: str | None
    reason: str
    attempts: int
    state: ParkedState
    parked_at: datetime
    settled_at: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Settled:
    """How many records took effect. `stuck_at` is the record behind which the rest waits now, if one was refused."""

    replayed: int
    stuck_at: int | None


async def list_parked(
    uow: UnitOfWork,
    *,
    states: Sequence[ParkedState] = (ParkedState.PARKED,),
    before_id: int = LAST_ID,
    limit: int = 100,
) -> Sequence[ParkedRecord]:
    """The latest first."""
    rows = await uow.raw.fetch(_LIST, [state.value for state in states], before_id, limit)
    return [ParkedRecord(**{**dict(row), "state": ParkedState(row["state"])}) for row in rows]


async def replay(consumer: Consumer, record_id: int) -> Settled:
    """Have the record take effect now, and then, in order, those that wait behind it: each in its own transaction.

    :raises DeadLetterNotFoundError, DeadLetterSettledError, ReplayFailedError: nothing has changed.
    """
    following = await _settle(consumer, record_id, ParkedState.REPLAYED)
    return await _drain(consumer, following, replayed=1)


async def skip(consumer: Consumer, record_id: int) -> Settled:
    """Let the record never take effect, and have those that wait behind it take theirs.

    :raises DeadLetterNotFoundError, DeadLetterSettledError: nothing has changed.
    """
    following = await _settle(consumer, record_id, ParkedState.SKIPPED)
    log.warning("dead_letter.skipped", record_id=record_id)
    return await _drain(consumer, following, replayed=0)


async def _drain(consumer: Consumer, record_id: int | None, *, replayed: int) -> Settled:
    while record_id is not None:
        try:
            record_id = await _settle(consumer, record_id, ParkedState.REPLAYED)
        except ReplayFailedError:
            return Settled(replayed, stuck_at=record_id)
        except DeadLetterSettledError:
            break  # another operator goes on with the rest
        replayed += 1
    return Settled(replayed, stuck_at=None)


async def _settle(consumer: Consumer, record_id: int, state: ParkedState) -> int | None:
    """End one record's wait; answers the id of the next one of its key, which is the parked one from now on.

    The lock on the parked row keeps the consumer from adding to the waiting ones until we have looked for them.
    """
    try:
        async with consumer.database.begin() as uow:
            row = _require_parked(await uow.raw.fetchrow(_LOCK, record_id))
            if state is ParkedState.REPLAYED:
                await _apply(consumer, uow, row)
            await uow.raw.execute(_SETTLE, record_id, state.value)
            following: int | None = await uow.raw.fetchval(_PROMOTE, row["consumer"], row["topic"], row["key"])
            return following
    except _HandlerError as error:
        reason = readable(f"{type(error.cause).__name__}: {describe_error(error.cause)}")
        async with consumer.database.read() as uow:
            await uow.raw.execute(_REFUSED, record_id, reason)
        raise ReplayFailedError(reason) from error.cause


class _HandlerError(Exception):
    """Tells a refusal by the handler from trouble with the tables around it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _apply(consumer: Consumer, uow: UnitOfWork, row: Any) -> None:
    delivery = Delivery(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        key=row["key"],
        event_id=row["event_id"],
        dataschema=row["dataschema"],
        payload=row["payload"],
        traceparent=row["traceparent"],
    )
    try:
        await consumer.apply(uow, [delivery])
        await uow.flush()
    except Exception as error:
        raise _HandlerError(error) from error


def _require_parked(row: Any) -> Any:
    if row is None:
        raise DeadLetterNotFoundError("no such record")
    if row["state"] != ParkedState.PARKED:
        raise DeadLetterSettledError(f"the record is {row['state']}")
    return row
