"""Traces: one trace from the caller to the last consumer, and nothing recorded that should not be."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.crypto import Secret
from shared.observability import (
    continue_trace,
    current_trace_id,
    current_traceparent,
    record_with,
    span,
    stop_tracing,
)
from shared.observability.tracing import configure_tracing
from tests.support.collector import collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


@pytest.fixture
def recorded() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    record_with(provider, sample_ratio=1.0)
    yield exporter
    stop_tracing()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {each.name: each for each in exporter.get_finished_spans()}


def test_outside_of_any_trace_there_is_nothing_to_pass_on() -> None:
    assert current_traceparent() is None
    assert current_trace_id() is None


def test_an_unrecorded_trace_is_passed_on_as_it_came(recorded: InMemorySpanExporter) -> None:
    with continue_trace(UNSAMPLED), span("order.checkout"):
        assert current_traceparent() == UNSAMPLED
        assert current_trace_id() == TRACE
    assert not recorded.get_finished_spans()


def test_a_recorded_trace_goes_on_in_our_spans(recorded: InMemorySpanExporter) -> None:
    with continue_trace(SAMPLED), span("outer"):
        outer = current_traceparent()
        with span("inner"):
            inner = current_traceparent()
        assert current_traceparent() == outer
    spans = by_name(recorded)
    assert spans["outer"].context.trace_id == int(TRACE, 16)
    assert spans["outer"].parent is not None
    assert spans["outer"].parent.span_id == int("b7ad6b7169203331", 16)
    assert spans["inner"].parent is not None
    assert spans["inner"].parent.span_id == spans["outer"].context.span_id
    assert outer is not None
    assert inner is not None
    assert len({SAMPLED, outer, inner}) == 3
    assert outer.startswith(f"00-{TRACE}-")


def test_the_first_span_of_a_new_trace_has_no_parent(recorded: InMemorySpanExporter) -> None:
    with continue_trace(None), span("first"):
        traceparent = current_traceparent()
    first = by_name(recorded)["first"]
    assert first.parent is None
    assert traceparent == f"00-{first.context.trace_id:032x}-{first.context.span_id:016x}-01"


def test_the_chain_holds_across_a_queue(recorded: InMemorySpanExporter) -> None:
    with continue_trace(None), span("produce"):
        carried = current_traceparent()
    with continue_trace(carried), span("consume"):
        pass
    spans = by_name(recorded)
    assert spans["consume"].parent is not None
    assert spans["consume"].parent.span_id == spans["produce"].context.span_id


@pytest.mark.parametrize(
    "traceparent",
    ["", "nonsense", "01" + SAMPLED[2:], f"00-{'0' * 32}-b7ad6b7169203331-01", SAMPLED + "-more", SAMPLED.upper()],
)
def test_a_header_that_is_none_starts_a_new_trace(traceparent: str) -> None:
    with continue_trace(traceparent):
        assert current_trace_id() not in {None, TRACE}


def test_without_an_exporter_new_traces_are_not_marked_for_recording() -> None:
    with continue_trace(None), span("x"):
        traceparent = current_traceparent()
    assert traceparent is not None
    assert traceparent.endswith("-00")


def fail_to_reveal() -> None:
    with continue_trace(None), span("reveal", code="CANARY", sku="s") as here:
        here.set("value", Secret("CANARY"))
        raise ValueError("CANARY")


def test_attributes_are_redacted_and_failures_told_by_kind(recorded: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="CANARY"):
        fail_to_reveal()
    revealed = by_name(recorded)["reveal"]
    assert revealed.attributes == {"code": "***", "sku": "s", "value": "***"}
    assert revealed.status.description == "ValueError"
    assert not revealed.events


def test_recorded_spans_reach_a_collector() -> None:
    with collecting() as collector:
        configure_tracing("order", endpoint=f"{collector.endpoint}/", sample_ratio=1.0)
        with continue_trace(None), span("order.checkout", quantity=2, code="CANARY"):
            trace_id = current_trace_id()
        stop_tracing()
    ((service, sent),) = collector.spans()
    assert (service, sent.name, sent.trace_id.hex()) == ("order", "order.checkout", trace_id)
    assert b"CANARY" not in b"".join(collector.bodies)


def test_without_an_endpoint_nothing_is_recorded() -> None:
    configure_tracing("order", endpoint=None, sample_ratio=1.0)
    with continue_trace(SAMPLED), span("x"):
        assert current_traceparent() == SAMPLED
