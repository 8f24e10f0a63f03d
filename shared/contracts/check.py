"""Everything that must hold for the contracts, told as sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from shared.contracts import EVENTS, asyncapi, samples, snapshots
from shared.contracts._base import Event
from shared.contracts.compatibility import Effect, compare
from shared.contracts.snapshots import Schema
from shared.contracts.topics import TOPICS, Topic


def faults() -> Iterator[str]:
    """What must be mended before a commit; nothing means the contracts are sound."""
    yield from topic_faults(EVENTS, TOPICS)
    yield from forgotten_faults(EVENTS)
    yield from snapshot_faults(snapshots.current(), snapshots.on_disk())
    yield from samples.faults()
    yield from document_faults(asyncapi.DOCUMENT)
    yield from history_faults(snapshots.current(), snapshots.bases())


def notes() -> Iterator[str]:
    """What is allowed but asks for care: widenings since HEAD."""
    now = snapshots.current()
    for name, versions in snapshots.bases().items():
        for revision, schema in versions[:1]:
            for change in compare(schema, now.get(name, schema)):
                if change.effect is Effect.WIDENING:
                    yield f"{name} since {revision}: {change}; deploy its consumers first"


def topic_faults(events: Sequence[type[Event]], topics: Sequence[Topic]) -> Iterator[str]:
    """Every event has its topic with the same key and its producer's module; every topic has events; versions run on."""
    by_name = {topic.name: topic for topic in topics}
    for event in events:
        if event.TOPIC in by_name:
            yield from _event_faults(event, by_name[event.TOPIC])
        else:
            yield f"{event.TYPE}: topic {event.TOPIC} does not stand in topics.py"
    for topic in topics:
        if not any(topic.name == event.TOPIC for event in events):
            yield f"topic {topic.name} has no event in EVENTS"
        if "." in topic.name or "_" in topic.name:
            yield f"topic {topic.name}: dots and underscores collide in metric names"
    yield from _version_faults(events)


def forgotten_faults(events: Sequence[type[Event]]) -> Iterator[str]:
    """Contracts that are written but that nobody would find."""
    for event in sorted(set(_concrete(Event)) - set(events), key=lambda kind: kind.__name__):
        yield f"{event.__name__} is defined but not in EVENTS"


def snapshot_faults(now: Mapping[str, Schema], committed: Mapping[str, Schema]) -> Iterator[str]:
    """Where the snapshots in the tree do not say what the models say."""
    for name in sorted(now.keys() | committed.keys()):
        if name not in committed:
            yield f"schemas/{name} is missing: run `python -m shared.contracts generate`"
        elif name not in now:
            yield f"schemas/{name} has no model any more: run `python -m shared.contracts generate`"
        elif now[name] != committed[name]:
            yield f"schemas/{name} differs from its model: run `python -m shared.contracts generate`"


def document_faults(path: Path) -> Iterator[str]:
    """Whether the AsyncAPI document is what would be generated."""
    if not path.exists() or path.read_text() != asyncapi.render():
        yield f"docs/{path.name} is stale: run `python -m shared.contracts generate`"


def history_faults(now: Mapping[str, Schema], bases: Mapping[str, Sequence[tuple[str, Schema]]]) -> Iterator[str]:
    """Breaking changes against what was committed. A type may retire only when a later version stands beside it."""
    for name, versions in sorted(bases.items()):
        if name not in now:
            if not _superseded(name, now):
                yield f"{name} was removed and no later version replaces it"
            continue
        for revision, schema in versions:
            for change in compare(schema, now[name]):
                if change.effect is Effect.BREAKING:
                    yield f"{name} since {revision}: {change}; make the next version beside it"


def _superseded(name: str, now: Mapping[str, Schema]) -> bool:
    noun_verb, version, _ = name.rsplit(".", 2)
    return any(other.rsplit(".", 2)[0] == noun_verb and other.rsplit(".", 2)[1] > version for other in now)


def _event_faults(event: type[Event], topic: Topic) -> Iterator[str]:
    if topic.key != event.KEY:
        yield f"{event.TYPE}: key is {event.KEY}, its topic's key is {topic.key}"
    if event.KEY not in event.model_fields:
        yield f"{event.TYPE}: key field {event.KEY} does not exist"
    if (
        event.__module__.removeprefix("shared.contracts.").partition("_")[0] != topic.producer
    ):  # inventory_redemptions too
        yield f"{event.TYPE}: stands in {event.__module__}, but {topic.producer} writes {topic.name}"


def _version_faults(events: Sequence[type[Event]]) -> Iterator[str]:
    for (kind, version), count in Counter((event.TYPE, event.VERSION) for event in events).items():
        if count > 1:
            yield f"{kind}/v{version} is defined {count} times"
    for event in events:
        if not event.__name__.endswith(f"V{event.VERSION}"):
            yield f"{event.__name__}: the name should end in V{event.VERSION}"


def _concrete(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        if "TYPE" in vars(kind) and kind.__module__.startswith("shared.contracts"):
            yield kind
        yield from _concrete(kind)
