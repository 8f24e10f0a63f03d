"""Keeps the Kafka client's own log lines few: while a broker is away it would write ten a second, all as errors."""

import logging
import time

REPEAT_AFTER_S = 30.0

_CHATTY = (
    "aiokafka.client",
    "aiokafka.conn",
    "aiokafka.cluster",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)


class _Calm(logging.Filter):
    """Passes each kind of line once in a while, and as a warning: the client goes on trying by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._next.get(record.msg, 0.0):
            return False
        self._next[record.msg] = now + REPEAT_AFTER_S
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


_CALM = _Calm()


def calm_client_logs() -> None:
    """May be called as often as one likes: a logger keeps a filter once."""
    for name in _CHATTY:
        logging.getLogger(name).addFilter(_CALM)
