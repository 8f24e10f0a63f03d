"""Named points at which a chaos test can have this process kill itself, as a power cut would.

`KAQUAN_CRASH_AT=relay.after_publish` crashes at the first passage, `KAQUAN_CRASH_AT=relay.after_publish:3` at the third.
Never in production.
"""

import os
import signal
from functools import cache

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import Environment


class _CrashSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="KAQUAN_", env_ignore_empty=True, extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    crash_at: str = ""


class _Countdown:
    """The point that was asked for, and how many passages are left until it strikes."""

    def __init__(self, settings: _CrashSettings) -> None:
        asked = "" if settings.environment is Environment.PRODUCTION else settings.crash_at
        self.point, _, nth = asked.partition(":")
        self.passages_left = int(nth or 1)


def at(point: str) -> None:
    """Die here by SIGKILL when the environment asks for it; else do nothing."""
    countdown = _countdown()
    if countdown.point != point:
        return
    countdown.passages_left -= 1
    if countdown.passages_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def _countdown() -> _Countdown:
    return _Countdown(_CrashSettings())
