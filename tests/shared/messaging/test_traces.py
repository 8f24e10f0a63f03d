from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.clock import new_id, utc_now
from shared.contracts import Envelope, OrderCancelledV1, OrderCompletedV1
from shared.database import Database, UnitOfWork
from shared.messaging import announce
from shared.messaging.processing import Processor
from shared.observability import continue_trace, current_trace_id, record_with, span, stop_tracing
from tests.shared.messaging.house import fetchval
from tests.shared.messaging.test_parking_races import delivery


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    record_with(provider, sample_ratio=1.0)
    yield exporter
    stop_tracing()


async def test_recorded_traces_run_on_through_a_batch_each_by_itself(
    house: Database, spans: InMemorySpanExporter
) -> None:
    """From where it begins, through the record and its handling, to what is announced because of it."""

    async def answer(uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]]) -> None:
        now = utc_now()
        announce(uow, *(OrderCompletedV1(order_id=event.data.order_id, completed_at=now) for event in events), now=now)

    begun = {}
    deliveries = []
    for order_id in (new_id(), new_id()):
        with continue_trace(None), span("checkout"):
            async with house.begin() as uow:
                announce(uow, OrderCancelledV1(order_id=order_id, reason="x"), now=utc_now())
            begun[order_id] = current_trace_id()
        record = delivery("x")
        statement = "SELECT traceparent FROM outbox WHERE key = $1"
        record.traceparent = await fetchval(house, statement, str(order_id))
        record.key, record.payload = str(order_id), record.payload.replace(record.key.encode(), str(order_id).encode())
        deliveries.append(record)
    await Processor(house, "house", {OrderCancelledV1: answer}).process(deliveries, abandon=())

    handled = {
        f"{finished.context.trace_id:032x}": f"{finished.context.span_id:016x}"
        for finished in spans.get_finished_spans()
        if finished.context is not None and finished.name == "consume order.cancelled/v1"
    }
    assert set(handled) == set(begun.values())
    for order_id, trace_id in begun.items():
        statement = "SELECT traceparent FROM outbox WHERE key = $1 AND dataschema = 'order.completed/v1'"
        assert trace_id is not None
        assert await fetchval(house, statement, str(order_id)) == f"00-{trace_id}-{handled[trace_id]}-01"
