"""Traces by W3C `traceparent`, from the HTTP call through outbox and Kafka to the last consumer.

Whether a trace is recorded is decided once, where it begins. An unrecorded one costs a context variable and no more:
its `traceparent` is passed on as it came. OpenTelemetry is used only for recorded spans, and only with an exporter.
"""

import random
import re
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from opentelemetry import context as otel_context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer
from opentelemetry.trace.propagation import set_span_in_context

from shared.observability.redaction import redact

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED_FLAG = 1


class _Here:
    """Where we are in a trace. `begun_here`: nobody recorded the parent id in it, so a first span has no parent."""

    __slots__ = ("begun_here", "sampled", "span", "traceparent")

    def __init__(self, traceparent: str, *, sampled: bool, span: Span | None = None, begun_here: bool = False) -> None:
        self.traceparent = traceparent
        self.sampled = sampled
        self.span = span
        self.begun_here = begun_here


class _Recorder:
    """What records spans in this process: nothing, until an exporter is configured."""

    tracer: Tracer | None = None
    provider: "TracerProvider | None" = None
    ratio: float = 0.0


_HERE: ContextVar[_Here | None] = ContextVar("trace", default=None)
_recorder: Final = _Recorder()


class continue_trace:  # noqa: N801  # used as a function
    """`with continue_trace(traceparent):` work belongs to the caller's trace, or to a new one where none is given."""

    __slots__ = ("_here", "_token")

    def __init__(self, traceparent: str | None) -> None:
        self._here = _read(traceparent) if traceparent is not None else None
        self._token: Token[_Here | None] | None = None

    def __enter__(self) -> Self:
        self._token = _HERE.set(self._here or _begin())
        return self

    def __exit__(self, kind: object, error: object, frames: object) -> None:
        if self._token is not None:
            _HERE.reset(self._token)
            self._token = None


class span:  # noqa: N801  # used as a function
    """`with span("order.checkout", order_id=order_id) as here:` one step of a trace, recorded if the trace is.

    Values are redacted; a failure is noted by its kind only, never by its message.
    """

    __slots__ = ("_attributes", "_kind", "_name", "_span", "_token")

    def __init__(self, name: str, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: object) -> None:
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._span: Span | None = None
        self._token: Token[_Here | None] | None = None

    def __enter__(self) -> Self:
        tracer = _recorder.tracer
        here = _HERE.get()
        if tracer is None or (here is not None and not here.sampled):
            return self
        here = here or _begin()
        if here.sampled:
            self._start(tracer, here)
        return self

    def set(self, key: str, value: object) -> None:
        """Note one more value, redacted."""
        if self._span is not None:
            self._span.set_attribute(key, _attribute(key, value))

    def rename(self, name: str) -> None:
        """Give the step its name once it is known, such as the route's."""
        if self._span is not None:
            self._span.update_name(name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._span is None or self._token is None:
            return
        if kind is not None:
            self._span.set_status(StatusCode.ERROR, kind.__qualname__)
        self._span.end()
        _HERE.reset(self._token)
        self._span = self._token = None

    def _start(self, tracer: Tracer, here: _Here) -> None:
        attributes = {key: _attribute(key, value) for key, value in self._attributes.items() if value is not None}
        opened = tracer.start_span(self._name, context=_parent(here), kind=self._kind, attributes=attributes)
        own = opened.get_span_context()
        traceparent = f"00-{own.trace_id:032x}-{own.span_id:016x}-01"
        self._span = opened
        self._token = _HERE.set(_Here(traceparent, sampled=True, span=opened))


def current_traceparent() -> str | None:
    """The header value that continues this trace elsewhere; `None` outside of any."""
    here = _HERE.get()
    return here.traceparent if here is not None else None


def current_trace_id() -> str | None:
    """The trace's id in hex, for log lines."""
    here = _HERE.get()
    return here.traceparent[3:35] if here is not None else None


def configure_tracing(service: str, *, endpoint: str | None, sample_ratio: float) -> None:
    """Record spans and send them to the collector at `endpoint` (OTLP over HTTP); without one, record nothing."""
    if endpoint is None:
        return
    # Loaded on demand: the exporter costs every process memory, and most installations begin without a collector.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    record_with(provider, sample_ratio=sample_ratio)


def record_with(provider: "TracerProvider", *, sample_ratio: float) -> None:
    """Record spans with this provider. It stays ours: a global one would switch libraries' own spans on."""
    _recorder.provider = provider
    _recorder.tracer = provider.get_tracer("kaquan")
    _recorder.ratio = sample_ratio


def stop_tracing() -> None:
    """Send what is recorded and record no more."""
    provider, _recorder.provider, _recorder.tracer, _recorder.ratio = _recorder.provider, None, None, 0.0
    if provider is not None:
        provider.shutdown()


def _read(traceparent: str) -> _Here | None:
    if _FORM.fullmatch(traceparent) is None:
        return None
    return _Here(traceparent, sampled=bool(int(traceparent[-2:], 16) & _SAMPLED_FLAG))


def _begin() -> _Here:
    sampled = _recorder.tracer is not None and random.random() < _recorder.ratio
    ids = f"{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}"
    return _Here(f"00-{ids}-0{int(sampled)}", sampled=sampled, begun_here=True)


def _parent(here: _Here) -> otel_context.Context:
    if here.begun_here:
        return otel_context.Context()
    if here.span is not None:
        return set_span_in_context(here.span, otel_context.Context())
    remote = SpanContext(
        trace_id=int(here.traceparent[3:35], 16),
        span_id=int(here.traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(remote), otel_context.Context())


def _attribute(key: str, value: object) -> str | int | float | bool:
    shown = redact(key, value)
    return shown if isinstance(shown, str | int | float | bool) else str(shown)
