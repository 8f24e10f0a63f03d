"""CloudEvents 1.0 in JSON, structured mode: how a fact travels."""

from functools import cache
from typing import Generic, Literal, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from shared.contracts._base import AwareDatetime, Event, Fact

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Envelope(Fact, Generic[E_co]):
    """A fact with its identity. `id` is what makes a repeated delivery recognisable; `time` is when it happened."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    time: AwareDatetime
    subject: str
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    data: E_co


def dataschema(event_type: type[Event]) -> str:
    """The schema's name, which carries the contract's version: `order.paid/v1`."""
    return f"{event_type.TYPE}/v{event_type.VERSION}"


def wrap(event: E, *, event_id: UUID, source: str, time: AwareDatetime) -> Envelope[E]:
    """Put a fact into its envelope. `subject` is the key, `source` the producing service as `/order`."""
    kind = type(event)
    return _model(kind)(
        id=event_id,
        source=source,
        type=kind.TYPE,
        time=time,
        subject=str(event.key),
        dataschema=dataschema(kind),
        data=event,
    )


def encode(envelope: Envelope[Event]) -> bytes:
    """The record's value."""
    return envelope.model_dump_json(exclude_none=True).encode()


def decode(raw: bytes, event_type: type[E]) -> Envelope[E]:
    """Read a record's value as one type of event.

    :raises pydantic.ValidationError: the bytes are not that event.
    """
    return _adapter(event_type).validate_json(raw)


@cache
def _model(event_type: type[E]) -> type[Envelope[E]]:
    return Envelope[event_type]  # type: ignore[valid-type]  # the parameter is a run-time value here, by design


@cache
def _adapter(event_type: type[E]) -> TypeAdapter[Envelope[E]]:
    return TypeAdapter(_model(event_type))
