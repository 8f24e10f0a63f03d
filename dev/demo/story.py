"""How the demo tells what it does, and how it insists."""

import time
from dataclasses import dataclass, field


class SurpriseError(AssertionError):
    """The platform did something else than the story says."""


@dataclass
class Story:
    """Numbered steps with the time each took."""

    began: float = field(default_factory=time.perf_counter)
    steps: int = 0

    def tell(self, what: str) -> None:
        self.steps += 1
        print(f"{self.steps:>2}. [{time.perf_counter() - self.began:6.2f} s] {what}", flush=True)


def insist(fact: bool, surprise: str) -> None:  # noqa: FBT001  (reads as a sentence at every use)
    """:raises SurpriseError: the fact is not so."""
    if not fact:
        raise SurpriseError(surprise)


def yuan(amount_minor: int) -> str:
    """分 as 元, for reading."""
    return f"¥{amount_minor / 100:.2f}"
