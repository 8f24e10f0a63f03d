"""The base of every event contract: frozen, strict, tolerant of fields it does not know."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

AmountMinor = Annotated[int, Field(ge=0)]
"""Money in the currency's minor unit (分 for CNY), never negative: direction is in the event's type."""

Quantity = Annotated[int, Field(gt=0)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
"""Ten-thousandths: 9000 is 90 %, 九折."""


class Fact(BaseModel):
    """A value inside an event. Strict: `"19"`, `19.0` and `True` are not the integer 19."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Event(Fact):
    """One fact about one thing, self-contained and small.

    Subclasses set `TYPE` (`noun.verb`), `VERSION`, `TOPIC` and `KEY`, the name of the field whose value is the
    Kafka key. Records with one key keep their order within a topic; nothing is promised across topics.
    """

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    TOPIC: ClassVar[str]
    KEY: ClassVar[str]

    @property
    def key(self) -> UUID:
        """The Kafka key: the id of what this event is about."""
        value = getattr(self, self.KEY)
        if not isinstance(value, UUID):
            msg = f"{self.TYPE}: key field {self.KEY} holds {type(value).__name__}, not a UUID"
            raise TypeError(msg)
        return value


__all__ = [
    "AmountMinor",
    "AwareDatetime",
    "BasisPoints",
    "Currency",
    "Event",
    "Fact",
    "Field",
    "Quantity",
    "Sha256Hex",
]
