"""A record as it came from a topic, or from the table where it was parked."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord
from asyncpg.pgproto.pgproto import UUID  # a uuid.UUID that is made in C, as PostgreSQL's own are
from pydantic import ValidationError

from shared.contracts import BY_SCHEMA, Envelope, Event, decode

HEADER_ID = "id"
HEADER_SCHEMA = "dataschema"
HEADER_TRACE = "traceparent"

FAULTS_MAX = 10
_NAMESPACE = uuid.UUID("7c2f5b0e-93a1-4c0b-8a57-0d8f4ad1c6f2")


class UndecodableRecordError(ValueError):
    """The record is not what its schema says; trying again will not help. The message carries no payload."""


@dataclass(slots=True)  # frozen would triple the cost of making one, and a batch makes hundreds
class Delivery:
    """`event_id` is what makes a repetition recognisable; `key` is empty when the record has none."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: uuid.UUID
    dataschema: str
    payload: bytes
    traceparent: str | None

    @property
    def ordering_key(self) -> tuple[str, str]:
        """Records that share it keep their order."""
        return self.topic, self.key

    @property
    def event_type(self) -> type[Event]:
        return BY_SCHEMA[self.dataschema]

    def decode(self) -> Envelope[Any]:
        """:raises UndecodableRecordError: the payload is not of its schema."""
        try:
            return decode(self.payload, self.event_type)
        except ValidationError as error:
            raise UndecodableRecordError(f"not a valid {self.dataschema}: {_faults(error)}") from None


def read_delivery(record: "ConsumerRecord[bytes, bytes]", schemas: Collection[str]) -> Delivery | None:
    """The record, when its header names one of these schemas; its value is not looked into.

    A record whose `id` header is missing or broken is known by its place in the topic.
    """
    headers = dict(record.headers)
    schema = _text(headers.get(HEADER_SCHEMA, b""))
    if schema not in schemas:
        return None
    event_id: uuid.UUID
    try:
        event_id = UUID(headers[HEADER_ID].decode())
    except (KeyError, ValueError):
        event_id = uuid.uuid5(_NAMESPACE, f"{record.topic}/{record.partition}/{record.offset}")
    trace = headers.get(HEADER_TRACE)
    return Delivery(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=_text(record.key or b""),
        event_id=event_id,
        dataschema=schema,
        payload=record.value or b"",
        traceparent=_text(trace) if trace else None,
    )


def _faults(error: ValidationError) -> str:
    """What is wrong where, without the values."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(
        f"{'.'.join(str(step) for step in fault['loc']) or 'record'} ({fault['type']})" for fault in faults[:FAULTS_MAX]
    )


def _text(value: bytes) -> str:
    """Text that PostgreSQL can keep, whatever a stranger sent."""
    return value.decode(errors="replace").replace("\x00", "\ufffd")
