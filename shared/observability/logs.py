"""Logs are events: a constant name such as `order.paid` and fields, one JSON object a line, redacted at the last moment.

An error line means that somebody must change something.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from shared.clock import utc_now
from shared.observability.redaction import describe_error, redact
from shared.observability.sink import SINK
from shared.observability.tracing import current_trace_id

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being served, in every line logged on its behalf."""

_MAX_FRAMES = 30
"""Frames of a traceback kept, the innermost ones."""

_service = "unconfigured"


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module. `log.info("order.paid", order_id=order_id)`."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


def service_name() -> str:
    """The name of the service this process runs."""
    return _service


def configure_logs(service: str, *, level: str) -> None:
    """Name the service in every line, set the level, and take over what libraries log."""
    global _service  # noqa: PLW0603  # one process runs one service
    _service = service
    _configure_structlog(logging.getLevelNamesMapping()[level])
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    for noisy in ("aiokafka", "sqlalchemy.engine", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _SinkLogger:
    """What structlog hands a rendered line to."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: bytes) -> None:
        SINK.write(line)

    debug = info = warning = error = critical = exception = fatal = warn = log = msg


class _LibraryHandler(logging.Handler):
    """Lines of libraries in the same shape, under one event name."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"event": "library.logged", "message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exc_info"] = record.exc_info[1]
        SINK.write(_render(fields, level=record.levelname.lower(), name=record.name))


def _process(logger: Any, level: str, fields: MutableMapping[str, Any]) -> bytes:
    return _render(fields, level="error" if level == "exception" else level, name=logger.name)


def _render(fields: MutableMapping[str, Any], *, level: str, name: str) -> bytes:
    line: dict[str, Any] = {"at": utc_now(), "level": level, "service": _service, "logger": name}
    request_id = REQUEST_ID.get()
    if request_id is not None:
        line["request_id"] = request_id
    trace_id = current_trace_id()
    if trace_id is not None:
        line["trace_id"] = trace_id
    error = fields.pop("exc_info", None)
    for key, value in fields.items():
        line[key] = redact(key, value)
    if error:
        line["error"] = _error(error)
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


def _error(error: object) -> dict[str, Any]:
    """An exception by kind, message and place, with those it came from. Frames carry places only, never values."""
    if not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if error is None:
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    return {
        "kind": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": describe_error(error),
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _configure_structlog(level: int) -> None:
    structlog.configure(
        processors=[_process],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_SinkLogger,
        cache_logger_on_first_use=False,
    )


_configure_structlog(logging.INFO)
