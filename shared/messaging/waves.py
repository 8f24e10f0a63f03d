"""Splits a batch into calls: each handler gets as many events of its type at once as the order per key allows."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.contracts import Envelope, Event

Entry = tuple[tuple[str, str], Envelope[Any]]
"""Topic and key, and the event."""


def waves(
    entries: Iterable[Entry], ranks: Mapping[type[Event], int]
) -> Iterator[tuple[type[Event], Sequence[Envelope[Any]]]]:
    """Groups to be handled one after the other.

    Events of one topic and key come in their order. Among the types that are next for some key, the one with the lowest
    rank goes first: with ranks in the order of a purchase, keys that are at different steps meet in few groups.
    """
    queues: dict[tuple[str, str], deque[Envelope[Any]]] = defaultdict(deque)
    for key, envelope in entries:
        queues[key].append(envelope)
    ready: dict[type[Event], list[deque[Envelope[Any]]]] = defaultdict(list)
    for queue in queues.values():
        ready[type(queue[0].data)].append(queue)
    while ready:
        kind = min(ready, key=ranks.__getitem__)
        group: list[Envelope[Any]] = []
        for queue in ready.pop(kind):
            while queue and type(queue[0].data) is kind:
                group.append(queue.popleft())
            if queue:
                ready[type(queue[0].data)].append(queue)
        yield kind, group
