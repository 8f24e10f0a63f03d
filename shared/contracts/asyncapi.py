"""The AsyncAPI 3.0 document: topics, messages, who writes and who reads, generated from contracts and topics."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # a developer's dependency: nothing at run time imports this module

from shared.contracts import EVENTS
from shared.contracts._base import Event
from shared.contracts.envelope import dataschema
from shared.contracts.samples import of as examples_of
from shared.contracts.snapshots import ENVELOPE_FILE, Schema, current, file_name
from shared.contracts.topics import TOPICS, Topic

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
HEADER = (
    "# Generated from shared/contracts by `python -m shared.contracts generate`. Edit the contracts, not this file.\n"
)


def document() -> dict[str, Any]:
    """The whole document. A channel is a topic or its dead letters; an operation is one service at one channel."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kaquan events",
            "version": "1.0.0",
            "description": "What the services say to one another: CloudEvents 1.0 in JSON, structured mode. "
            "One topic per noun, one producer per topic; order holds for one key within a topic. "
            "Card codes, passwords and tokens never travel.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            **{topic.name: _channel(topic) for topic in TOPICS},
            **{topic.dead_letters: _dead_letter_channel(topic) for topic in TOPICS if topic.consumers},
        },
        "operations": dict(_operations()),
        "components": {
            "messages": {_name(event): _message(event) for event in EVENTS},
            "schemas": {_schema_name(file): _inlined(schema, file) for file, schema in current().items()},
            "messageTraits": {"traced": {"headers": _headers()}},
        },
    }


def render() -> str:
    """The document as YAML text."""
    return HEADER + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def write() -> None:
    """Put the document where readers look for it."""
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(render())


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"Written by {topic.producer} alone; read by {', '.join(topic.consumers) or 'nobody yet'}. "
        f"Key: {topic.key}.",
        "messages": {_name(event): {"$ref": f"#/components/messages/{_name(event)}"} for event in _events(topic)},
        "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
    }


def _dead_letter_channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.dead_letters,
        "description": f"Records of {topic.name} that a consumer gave up on, with reason, attempts and trace.",
        "messages": {_name(event): {"$ref": f"#/components/messages/{_name(event)}"} for event in _events(topic)},
        "bindings": {"kafka": {"topic": topic.dead_letters, "partitions": topic.partitions}},
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for topic in TOPICS:
        yield _operation(topic.producer, "send", topic.name)
        for consumer in topic.consumers:
            yield _operation(consumer, "receive", topic.name)
            yield _operation(consumer, "send", topic.dead_letters)


def _operation(service: str, action: str, channel: str) -> tuple[str, dict[str, Any]]:
    verb = "sends" if action == "send" else "receives"
    body = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": f"{service} {verb} {channel}",
        "tags": [{"name": service}],
    }
    return f"{service}-{verb}-{channel}".replace(".", "-"), body


def _message(event: type[Event]) -> dict[str, Any]:
    envelope = {"$ref": f"#/components/schemas/{_schema_name(ENVELOPE_FILE)}"}
    data = {"$ref": f"#/components/schemas/{_schema_name(file_name(event))}"}
    narrowed = {"type": {"const": event.TYPE}, "dataschema": {"const": dataschema(event)}, "data": data}
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/cloudevents+json",
        "traits": [{"$ref": "#/components/messageTraits/traced"}],
        "payload": {"allOf": [envelope, {"type": "object", "properties": narrowed}]},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid", "description": event.KEY}}},
        "examples": [{"name": path.stem, "payload": record} for path, record in examples_of(event)],
    }


def _headers() -> Schema:
    return {
        "type": "object",
        "properties": {
            "dataschema": {"type": "string", "description": "`order.paid/v1`: which contract reads the value."},
            "traceparent": {"type": "string", "description": "W3C trace context of what caused this event."},
        },
        "required": ["dataschema"],
    }


def _events(topic: Topic) -> list[type[Event]]:
    return [event for event in EVENTS if topic.name == event.TOPIC]


def _name(event: type[Event]) -> str:
    return f"{event.TYPE}.v{event.VERSION}"


def _schema_name(file: str) -> str:
    return file.removesuffix(".json")


def _inlined(schema: Schema, file: str) -> Schema:
    """The snapshot at home in the document: `$defs` are addressed from the document's root."""
    home = f"#/components/schemas/{_schema_name(file)}/$defs/"
    inner = {word: value for word, value in schema.items() if word not in ("$schema", "$id")}
    rehomed: Schema = _rehome(inner, home)
    return rehomed


def _rehome(node: Any, home: str) -> Any:
    if isinstance(node, dict):
        return {
            word: home + value.removeprefix("#/$defs/") if word == "$ref" else _rehome(value, home)
            for word, value in node.items()
        }
    if isinstance(node, list):
        return [_rehome(value, home) for value in node]
    return node
