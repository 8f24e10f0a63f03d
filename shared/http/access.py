"""What is kept of an answered request: a count, a duration, a named span, and one buffered line."""

import time
from typing import Any

import orjson

from shared.clock import utc_now
from shared.observability import SINK, Counter, Histogram, current_trace_id, service_name, span

CLIENT_GONE = 499
"""Stands for the status of a request whose client left before it was answered."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
_NOTABLE_STATUS = 400

_REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"])
_SECONDS = Histogram("http_request_seconds", "Time to the end of the answer", ["method", "route"])
_counters: dict[tuple[str, str, int], Any] = {}
_histograms: dict[tuple[str, str], Any] = {}


def record_served(
    here: span,
    *,
    method: str,
    route: str,
    path: str,
    status: int,
    started: float,
    request_id: str,
    role: str | None,
    subject: str | None,
) -> None:
    """Note one answer. `route` is the declared template, `started` a `time.perf_counter()`, status 0 a client gone."""
    seconds = time.perf_counter() - started
    if method not in _METHODS:
        method = "OTHER"
    status = status or CLIENT_GONE
    _counter(method, route, status).inc()
    _histogram(method, route).observe(seconds)
    here.rename(f"{method} {route}")
    here.set("http.response.status_code", status)
    if status < _NOTABLE_STATUS and route in _QUIET_ROUTES:
        return
    SINK.gather(
        orjson.dumps(
            {
                "at": utc_now(),
                "level": "info",
                "service": service_name(),
                "event": "http.served",
                "method": method,
                "route": route,
                "path": path,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "request_id": request_id,
                "trace_id": current_trace_id(),
                "role": role,
                "subject": subject,
            },
            option=orjson.OPT_UTC_Z,
        )
    )


def _counter(method: str, route: str, status: int) -> Any:
    key = (method, route, status)
    child = _counters.get(key)
    if child is None:
        child = _counters[key] = _REQUESTS.labels(method, route, str(status))
    return child


def _histogram(method: str, route: str) -> Any:
    key = (method, route)
    child = _histograms.get(key)
    if child is None:
        child = _histograms[key] = _SECONDS.labels(method, route)
    return child
