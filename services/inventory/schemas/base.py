"""What the bodies share: limits, types, and strictness about what comes in."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NAME_LENGTH_MAX = 200
QUANTITY_MAX = 10_000
PRICE_MINOR_MAX = 100_000_000
"""A million in the currency's major unit: more is a slip of the keyboard."""

HELD_COMPONENTS_MAX = 500

Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
PriceMinor = Annotated[int, Field(ge=0, le=PRICE_MINOR_MAX)]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
StockCap = Annotated[int, Field(ge=0, le=100_000_000)]
LowStock = Annotated[int, Field(ge=0, le=1_000_000)]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=300)]


class Incoming(BaseModel):
    """What comes in says nothing that is not understood."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
