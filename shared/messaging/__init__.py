"""Events between services: outbox, relay, inbox, consumer, dead letters. The one module that knows Kafka."""

from shared.messaging.consumer import Consumer, ConsumerOptions
from shared.messaging.dead_letters import (
    DeadLetterNotFoundError,
    DeadLetterSettledError,
    ReplayFailedError,
    list_parked,
    replay,
    skip,
)
from shared.messaging.inbox import prune_inbox
from shared.messaging.leader import RelayOptions
from shared.messaging.operations import operations_router, read_figures
from shared.messaging.outbox import (
    EventTooLargeError,
    OutboxRows,
    announce,
    outbox_insert,
    outbox_rows,
    prune_outbox,
    ring_outbox,
)
from shared.messaging.processing import Handler, RetryOptions
from shared.messaging.relay import Relay
from shared.messaging.tables import inbox_table, outbox_table, parked_table

__all__ = [
    "Consumer",
    "ConsumerOptions",
    "DeadLetterNotFoundError",
    "DeadLetterSettledError",
    "EventTooLargeError",
    "Handler",
    "OutboxRows",
    "Relay",
    "RelayOptions",
    "ReplayFailedError",
    "RetryOptions",
    "announce",
    "inbox_table",
    "list_parked",
    "operations_router",
    "outbox_insert",
    "outbox_rows",
    "outbox_table",
    "parked_table",
    "prune_inbox",
    "prune_outbox",
    "read_figures",
    "replay",
    "ring_outbox",
    "skip",
]
