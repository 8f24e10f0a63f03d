"""What other services send and get."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

ORDERS_MAX = 1_000
"""Orders that may be asked about at once."""


class OrderIds(BaseModel):
    """Some orders."""

    model_config = ConfigDict(extra="forbid")

    order_ids: Annotated[list[UUID], Field(max_length=ORDERS_MAX)]
