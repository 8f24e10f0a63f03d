"""How long each place remembers. The order of these numbers is what makes a lost or rewound broker harmless."""

from datetime import timedelta

OUTBOX = timedelta(days=7)
"""Published rows are kept this long: what a wiped broker is refilled from."""

TOPICS = timedelta(days=7)
"""Records in Kafka. A segment is dropped as a whole, so the oldest may be a day older."""

SEGMENTS = timedelta(days=1)

DEAD_LETTERS = timedelta(days=30)
"""Records in `<topic>.dlt`, for operators; what counts is the table."""

INBOX = timedelta(days=16)
"""Longer than anything can be delivered again, or an old record would take effect twice. A row may be published once more
on its last day in the outbox, and its record then stays in Kafka as long as any other.
"""
