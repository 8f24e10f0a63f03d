"""What a contract takes and what it refuses, on the wire and in the producer's own code."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts import EVENTS, Event, OrderPaidV1, decode, encode, wrap
from shared.contracts.samples import of

KINDS = [pytest.param(kind, id=kind.__name__) for kind in EVENTS]


def paid(**changes: Any) -> dict[str, Any]:
    record = next(record for path, record in of(OrderPaidV1) if path.stem == "by-provider")
    return {**record, "data": {**record["data"], **changes}}


def read(record: dict[str, Any]) -> OrderPaidV1:
    return decode(json.dumps(record).encode(), OrderPaidV1).data


def test_the_example_itself_is_read() -> None:
    assert read(paid()).paid_minor == 6825


@pytest.mark.parametrize("amount", [19.0, 19.5, "19", True, None, -1, "十九"])
def test_an_amount_is_an_integer_and_nothing_like_one(amount: Any) -> None:
    with pytest.raises(ValidationError):
        read(paid(paid_minor=amount))


@pytest.mark.parametrize("flag", [0, 1, "true", "false"])
def test_a_flag_is_a_boolean(flag: Any) -> None:
    with pytest.raises(ValidationError):
        read(paid(held=flag))


@pytest.mark.parametrize("moment", ["2026-11-20T03:15:31", "2026-11-20", 1_795_144_531, "yesterday"])
def test_a_moment_carries_its_offset(moment: Any) -> None:
    with pytest.raises(ValidationError):
        read(paid(paid_at=moment))
    with pytest.raises(ValidationError):
        read({**paid(), "time": moment})


@pytest.mark.parametrize("currency", ["cny", "CN", "CNYX", "¥", ""])
def test_a_currency_is_three_capitals(currency: str) -> None:
    with pytest.raises(ValidationError):
        read(paid(currency=currency))


def test_unknown_fields_are_ignored_wherever_they_stand() -> None:
    record = paid(new_in_v1_1={"a": 1})
    record["partitionkey"] = "abc"
    record["data"]["components"][0] = {**record["data"]["components"][0], "colour": "red"}
    assert read(record) == read(paid())


def test_an_unknown_enum_value_is_refused() -> None:
    component = {**paid()["data"]["components"][0], "kind": "parcel"}
    with pytest.raises(ValidationError):
        read(paid(components=[component]))


def test_a_fact_cannot_be_changed_after_it_was_said() -> None:
    event = read(paid())
    with pytest.raises(ValidationError):
        event.paid_minor = 1  # type: ignore[misc]  # the very thing that must not work


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_survives_the_journey(kind: type[Event]) -> None:
    for _, record in of(kind):
        envelope = decode(json.dumps(record).encode(), kind)
        again = wrap(envelope.data, event_id=envelope.id, source=envelope.source, time=envelope.time)
        assert decode(encode(again), kind) == envelope
        assert again.subject == str(envelope.data.key)


@pytest.mark.parametrize("kind", KINDS)
def test_every_required_field_is_missed_when_it_is_gone(kind: type[Event]) -> None:
    _, record = of(kind)[0]
    for name, field in kind.model_fields.items():
        if field.is_required():
            data = {other: value for other, value in record["data"].items() if other != name}
            with pytest.raises(ValidationError):
                decode(json.dumps({**record, "data": data}).encode(), kind)
