"""What goes wrong on demand."""

import random
from dataclasses import dataclass, replace
from enum import StrEnum


class FaultKind(StrEnum):
    """How the supplier misbehaves. Unless said otherwise the order is taken on and delivered all the same."""

    SLOW = "slow"
    ERROR = "error"
    """Answers 500 without a signature; the order is not taken on."""
    ERROR_AFTER = "error_after"
    """Takes the order on, then answers 500."""
    GARBAGE = "garbage"
    """Answers 200 with a page for people."""
    BAD_SIGNATURE = "bad_signature"
    NEVER = "never"
    """Takes the order on and never answers."""
    LOST = "lost"
    """Does not take the order on, and never answers."""
    SAYS_FAILED = "says_failed"
    """Says at first that it failed, and delivers."""
    FAILS = "fails"
    """Takes the order on, and it comes to nothing."""
    BUYS_TWICE = "buys_twice"
    """Takes a number that it knows for a new order."""
    SAYS_TWICE = "says_twice"
    """Says everything twice in one answer, properly signed."""
    STOCK_LIES = "stock_lies"
    """Lists the goods, and has none when they are ordered; the order is not taken on."""
    PRICE_DOUBLES = "price_doubles"
    """Charges twice what it lists, if the buyer's limit allows it."""
    REPEATS_CARDS = "repeats_cards"
    """Delivers cards that it has delivered before."""
    DEAD = "dead"
    """What stands before it answers 502; it never hears of the call."""


class FaultStep(StrEnum):
    """Where it happens."""

    PLACE = "place"
    QUERY = "query"
    ANY = "any"
    """With whatever is called."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one step, for a share of the calls, a number of times (None: always); `delay_s` is for `slow`.

    A storm is a list of them with shares, told in one request.
    """

    kind: FaultKind
    step: FaultStep = FaultStep.PLACE
    share: float = 1.0
    times: int | None = None
    delay_s: float = 1.0


class Faults:
    """The faults that were asked for; of several for one step the first that strikes."""

    def __init__(self) -> None:
        self._asked: list[Fault] = []

    def set(self, faults: list[Fault]) -> None:
        """Replace them all."""
        self._asked = faults

    def strike(self, step: FaultStep) -> Fault | None:
        """The fault of this call, if any."""
        for position, fault in enumerate(self._asked):
            if fault.step not in {step, FaultStep.ANY} or fault.times == 0 or random.random() >= fault.share:
                continue
            if fault.times is not None:
                self._asked[position] = replace(fault, times=fault.times - 1)
            return fault
        return None
