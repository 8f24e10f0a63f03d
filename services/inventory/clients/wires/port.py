"""What every way of speaking to a supplier comes to: a request is written, an answer is read. No I/O."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder


class NotUnderstoodError(Exception):
    """An answer is not exactly as agreed: that is neither success nor failure. The message is a short word for the log."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request to a path, with its query, below the supplier's address. `nonce` is what a signed answer refers to."""

    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    nonce: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class WireResponse:
    """What came back, for the request with this nonce. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    nonce: str = ""


class Wire(Protocol):
    """One way of speaking."""

    def write(self, order: SupplierOrder, *, step: Step, now: datetime) -> WireRequest:
        """The request that places the order, or asks what became of it."""
        ...

    def read(self, order: SupplierOrder, response: WireResponse) -> SupplierAnswer:
        """What the answer says.

        :raises NotUnderstoodError: it is not as agreed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Codes:
    """What a supplier's codes mean."""

    ok: Container[object]
    refused: Container[object]
    not_found: Container[object]
    duplicate: Container[object]

    def decide(self, code: object) -> SupplierAnswer | None:
        """The answer where the code says it all; None: the call was taken, and the rest of the answer tells.

        :raises NotUnderstoodError: nobody has said what the code means.
        """
        if code in self.not_found:
            return SupplierAnswer(AnswerKind.NOT_FOUND)
        if code in self.duplicate:
            return SupplierAnswer(AnswerKind.PROCESSING, "duplicate")
        if code in self.refused:
            return SupplierAnswer(AnswerKind.REFUSED, f"refused_{code}")
        if code not in self.ok:
            raise NotUnderstoodError("code_unknown")
        return None
