"""The committed examples: real-looking records of one story, one purchase of a bundle and what followed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.contracts import EVENTS
from shared.contracts._base import Event
from shared.contracts.envelope import dataschema, decode, encode
from shared.contracts.topics import BY_NAME

EXAMPLES = Path(__file__).parent / "examples"


def of(event_type: type[Event], folder: Path = EXAMPLES) -> list[tuple[Path, Any]]:
    """Every example of one contract, as (file, record). The record is a whole CloudEvent."""
    home = folder / event_type.TYPE / f"v{event_type.VERSION}"
    return [(path, json.loads(path.read_text())) for path in sorted(home.glob("*.json"))]


def faults(folder: Path = EXAMPLES) -> Iterator[str]:
    """What is wrong with the examples, one sentence each."""
    known = set()
    for event_type in EVENTS:
        found = of(event_type, folder)
        known |= {path for path, _ in found}
        if not found:
            yield f"{dataschema(event_type)} has no example"
        for path, record in found:
            yield from _record_faults(event_type, path.relative_to(folder), record)
    for path in sorted(set(folder.rglob("*.json")) - known):
        yield f"{path.relative_to(folder)} belongs to no contract"


def _record_faults(event_type: type[Event], path: Path, record: Any) -> Iterator[str]:
    try:
        envelope = decode(json.dumps(record).encode(), event_type)
    except ValidationError as error:
        yield f"{path} is not a {dataschema(event_type)}: {error}"
        return
    expected = {
        "type": event_type.TYPE,
        "dataschema": dataschema(event_type),
        "source": f"/{BY_NAME[event_type.TOPIC].producer}",
        "subject": str(envelope.data.key),
    }
    for field, value in expected.items():
        if record.get(field) != value:
            yield f"{path}: {field} is {record.get(field)!r}, should be {value!r}"
    if decode(encode(envelope), event_type) != envelope:
        yield f"{path} does not come back the same from a round trip"
    unknown = sorted(_unknown(record, json.loads(envelope.model_dump_json())))
    if unknown:
        yield f"{path} has fields its contract does not know: {', '.join(unknown)}"


def _unknown(record: Any, understood: Any, path: str = "") -> Iterator[str]:
    """Readers ignore unknown fields, so a misspelt optional one in an example would go unnoticed."""
    if isinstance(record, dict) and isinstance(understood, dict):
        for name, value in record.items():
            where = f"{path}.{name}" if path else name
            if name not in understood:
                yield where
            else:
                yield from _unknown(value, understood[name], where)
    elif isinstance(record, list) and isinstance(understood, list):
        for one, other in zip(record, understood, strict=False):
            yield from _unknown(one, other, f"{path}[]")
