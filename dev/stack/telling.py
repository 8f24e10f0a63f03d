"""What the launcher says while it works: one line per step, with the seconds since it began."""

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]


def timed_voice() -> Say:
    """Each line carries the time passed, so that a long step is seen to go on."""
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - began:5.1f} s] {text}\n")
        sys.stdout.flush()

    return say


def plain_voice() -> Say:
    """Lines as they are, for answers rather than progress."""

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    return say
