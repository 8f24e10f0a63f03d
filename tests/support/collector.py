"""A collector of traces, as OpenTelemetry's is one: takes spans over HTTP in protobuf, and keeps them to be searched."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACES = "/v1/traces"


@dataclass(frozen=True)
class Collector:
    """`bodies` are the exports as they came. Protobuf writes texts out, so that a search in them finds whatever was told."""

    endpoint: str
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[tuple[str, Span]]:
        """Every span with the service that told it."""
        return [
            (_service_of(told.resource.attributes), span)
            for body in self.bodies
            for told in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in told.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on a port of its own."""

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == TRACES and "content-encoding" not in self.headers
            if known:
                collector.bodies.append(body)
            self.send_response(200 if known else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _service_of(attributes: Iterable[KeyValue]) -> str:
    return next(each.value.string_value for each in attributes if each.key == "service.name")
