"""Prometheus metrics under one prefix. Take label children once and keep them; label by what is few: routes, not paths."""

from collections.abc import Iterable
from typing import Any

import prometheus_client

PREFIX = "kaquan_"
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a lean call to a purchase that is stuck, in seconds."""

# One more series for every one we have, and nobody reads them.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it unannotated


class Counter(prometheus_client.Counter):
    """Counts what happened. `Counter("orders_paid_total", "Orders paid", ["channel"])` is `kaquan_orders_paid_total`."""

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (), **rest: Any) -> None:
        super().__init__(_prefixed(name), documentation, labelnames, **rest)


class Gauge(prometheus_client.Gauge):
    """Shows how much there is now."""

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (), **rest: Any) -> None:
        super().__init__(_prefixed(name), documentation, labelnames, **rest)


class Histogram(prometheus_client.Histogram):
    """Shows how something is spread; its unit ends the name (`_seconds`). Buckets are for latencies unless given."""

    def __init__(self, name: str, documentation: str, labelnames: Iterable[str] = (), **rest: Any) -> None:
        rest.setdefault("buckets", LATENCY_BUCKETS_S)
        super().__init__(_prefixed(name), documentation, labelnames, **rest)


def render_metrics() -> bytes:
    """All metrics of this process in Prometheus's text format."""
    return prometheus_client.generate_latest()


def _prefixed(name: str) -> str:
    # A labelled child is made by the same constructor from the full name.
    return name if name.startswith(PREFIX) else PREFIX + name
