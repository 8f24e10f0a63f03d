"""The tables that messaging needs in every service's database, on that service's own MetaData."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB


class ParkedState(StrEnum):
    """`parked` failed for good and blocks its key; `waiting` came later with that key; the rest is history."""

    PARKED = "parked"
    WAITING = "waiting"
    REPLAYED = "replayed"
    SKIPPED = "skipped"


def outbox_table(metadata: MetaData) -> Table:
    """`outbox`, what is to be published and what was, and two small tables of the relay's.

    `outbox_positions` holds the last offset this service wrote to each partition, by which a wiped broker is
    recognised. `outbox_refill` holds at most one row: the range of ids that is being published once more.
    """
    outbox = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("dataschema", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("traceparent", Text),
        Column("headers", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("published_at", DateTime(timezone=True)),
    )
    Index("ix_outbox_unpublished", outbox.c.id, postgresql_where=outbox.c.published_at.is_(None))
    Table(
        "outbox_positions",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("last_offset", BigInteger, nullable=False),
        Column("cluster_id", Text),
    )
    Table(
        "outbox_refill",
        metadata,
        Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default="1"),
        Column("next_id", BigInteger, nullable=False),
        Column("last_id", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("requested_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        CheckConstraint("id = 1", name="single"),
    )
    return outbox


def inbox_table(metadata: MetaData) -> Table:
    """`inbox`: what each consumer has handled. Its primary key is what makes a second delivery harmless."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("handled_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


def parked_table(metadata: MetaData) -> Table:
    """`parked_records`: what a consumer gave up on, and what waits behind it."""
    parked = Table(
        "parked_records",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("consumer", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("record_offset", BigInteger, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("dataschema", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("traceparent", Text),
        Column("reason", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("settled_at", DateTime(timezone=True)),
        CheckConstraint(
            "state IN ({})".format(", ".join(f"'{state}'" for state in ParkedState)),
            name="state",
        ),
    )
    Index(
        "ix_parked_records_open",
        parked.c.consumer,
        parked.c.topic,
        parked.c.key,
        parked.c.id,
        postgresql_where=parked.c.state.in_([ParkedState.PARKED, ParkedState.WAITING]),
    )
    return parked
