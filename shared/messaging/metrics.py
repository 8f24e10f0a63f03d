"""What messaging shows of itself. One process runs one service, so no label says which."""

from shared.observability import Counter, Gauge, Histogram

BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

OUTBOX_PENDING = Gauge("outbox_pending", "Events that wait to be published")
OUTBOX_OLDEST_SECONDS = Gauge("outbox_oldest_seconds", "Age of the oldest event that waits to be published")
RELAY_LEADING = Gauge("relay_leading", "1 while this process publishes the outbox")
RELAY_PUBLISHED = Counter("relay_published_total", "Events published and marked")
RELAY_BATCH = Histogram("relay_batch_size", "Events published at once", buckets=BATCH_BUCKETS)
RELAY_FAILURES = Counter("relay_failures_total", "Times the relay had to start again")
RELAY_REFILLS = Counter(
    "relay_refills_total",
    "Times a wiped or replaced broker was noticed",
)

CONSUMER_FAILURES = Counter("consumer_failures_total", "Times the consumer had to start again")
CONSUMER_HANDLED = Counter("consumer_handled_total", "Events that took effect", ["type"])
CONSUMER_REPEATED = Counter("consumer_repeated_total", "Deliveries that had been handled before")
CONSUMER_SKIPPED = Counter("consumer_skipped_total", "Deliveries of types that this service does not handle")
CONSUMER_BATCH = Histogram("consumer_batch_size", "Deliveries handled at once", buckets=BATCH_BUCKETS)
CONSUMER_BATCH_SECONDS = Histogram("consumer_batch_seconds", "Time from a batch's arrival to its commit")
CONSUMER_RETRIES = Counter("consumer_retries_total", "Batches tried again", ["reason"])
CONSUMER_PARKED = Counter("consumer_parked_total", "Records that were given up on", ["type"])
CONSUMER_LAG = Gauge("consumer_lag", "Records that wait in the assigned partitions", ["topic"])
PARKED_RECORDS = Gauge("parked_records", "Records that are parked or wait behind one", ["state"])


def total(counter: Counter) -> int:
    """What a counter has come to in this process, over all its labels."""
    return int(sum(sample.value for family in counter.collect() for sample in family.samples))
