"""Where log lines go: standard output, whole lines, access lines gathered for a moment."""

import asyncio
import atexit
import sys
import threading

FLUSH_AFTER_S = 0.1
"""How long an access line may wait to share one write with others."""

MAX_WAITING_BYTES = 64 * 1024
"""More than this is written at once."""


class LineSink:
    """Writes lines to standard output. Lines of events go out at once, access lines together and in order with them."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()  # libraries log from threads too

    def write(self, line: bytes) -> None:
        """Write one line now, after whatever waits."""
        with self._lock:
            self._waiting.append(line)
            self._flush_locked()

    def gather(self, line: bytes) -> None:
        """Write one line soon. Only on the event loop's thread; without a loop it is written at once."""
        with self._lock:
            self._waiting.append(line)
            self._waiting_bytes += len(line)
            if self._waiting_bytes >= MAX_WAITING_BYTES:
                self._flush_locked()
            elif self._timer is None:
                self._start_timer_locked()

    def flush(self) -> None:
        """Write whatever waits."""
        with self._lock:
            self._flush_locked()

    def _start_timer_locked(self) -> None:
        try:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)
        except RuntimeError:
            self._flush_locked()

    def _flush_locked(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        lines = b"\n".join(self._waiting) + b"\n"
        self._waiting.clear()
        self._waiting_bytes = 0
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()


SINK = LineSink()
atexit.register(SINK.flush)
