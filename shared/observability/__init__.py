"""How a process shows what it does: logs, metrics, traces. Redacted, cheap, and quiet about what is nobody's business."""

from shared.observability.logs import REQUEST_ID, configure_logs, get_logger, service_name
from shared.observability.metrics import (
    CONTENT_TYPE,
    LATENCY_BUCKETS_S,
    Counter,
    Gauge,
    Histogram,
    render_metrics,
)
from shared.observability.redaction import describe_error, redact
from shared.observability.sink import SINK
from shared.observability.tracing import (
    configure_tracing,
    continue_trace,
    current_trace_id,
    current_traceparent,
    record_with,
    span,
    stop_tracing,
)
from shared.settings import PlatformSettings

__all__ = [
    "CONTENT_TYPE",
    "LATENCY_BUCKETS_S",
    "REQUEST_ID",
    "SINK",
    "Counter",
    "Gauge",
    "Histogram",
    "configure",
    "continue_trace",
    "current_trace_id",
    "current_traceparent",
    "describe_error",
    "get_logger",
    "record_with",
    "redact",
    "render_metrics",
    "service_name",
    "span",
    "stop_tracing",
]


def configure(service: str, settings: PlatformSettings) -> None:
    """Once per process, in its `main`: name the service in logs and traces, and send traces where settings say."""
    configure_logs(service, level=settings.log_level)
    configure_tracing(service, endpoint=settings.otlp_endpoint, sample_ratio=settings.trace_sample_ratio)
