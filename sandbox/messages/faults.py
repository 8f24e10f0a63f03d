"""What goes wrong on demand."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

NEVER_S = 60.0
"""How long a caller is kept who never gets an answer."""


class Via(StrEnum):
    """Where a message comes in."""

    EMAIL = "email"
    SMS = "sms"
    WECHAT = "wechat"


class FaultKind(StrEnum):
    """How a provider misbehaves."""

    SLOW = "slow"
    ERROR = "error"
    """Not taken, and perhaps taken later: 451, or an answer 500."""
    LIMIT = "limit"
    """Too many just now: 452, `isv.BUSINESS_LIMIT_CONTROL`, 45009."""
    REFUSE = "refuse"
    """There is no such address, or its owner wants no messages: 550, `isv.MOBILE_NUMBER_ILLEGAL`, 43101."""
    LOST = "lost"
    """Taken, and the answer never comes."""
    GARBAGE = "garbage"
    """A page for people instead of an answer; mail knows none and takes it for `error`."""
    STALE = "stale"
    """WeChat's token is over before its time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one provider, for a share of the messages, a number of times (None: always); `delay_s` is for `slow`."""

    kind: FaultKind
    via: Via
    share: float = 1.0
    times: int | None = None
    delay_s: float = 1.0


class Faults:
    """The faults that were asked for; of several for one provider the first that strikes."""

    def __init__(self) -> None:
        self._asked: list[Fault] = []

    def set(self, faults: Sequence[Fault]) -> None:
        """Replace them all."""
        self._asked = list(faults)

    async def strike(self, via: Via) -> FaultKind | None:
        """The fault of this message, if any; what is only slow is waited for here."""
        for position, fault in enumerate(self._asked):
            if fault.via is not via or fault.times == 0 or random.random() >= fault.share:
                continue
            if fault.times is not None:
                self._asked[position] = replace(fault, times=fault.times - 1)
            if fault.kind is FaultKind.SLOW:
                await asyncio.sleep(fault.delay_s)
                return None
            return fault.kind
        return None
