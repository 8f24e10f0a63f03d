"""What is sent by hand."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.inventory.domain.shipment_files import CARRIER_LENGTH_MAX, TRACKING_LENGTH_MAX
from services.inventory.domain.shipping import ShipmentState
from services.inventory.schemas.base import Incoming

SHIPPED_MAX = 500
"""Shipments of one call."""

_PARCEL: Final[dict[str, Any]] = {"carrier": "顺丰速运", "tracking_no": "SF1234567890123"}

Carrier = Annotated[str, Field(min_length=1, max_length=CARRIER_LENGTH_MAX)]
TrackingNo = Annotated[str, Field(min_length=1, max_length=TRACKING_LENGTH_MAX, repr=False)]


class ParcelIn(Incoming):
    """By whom something was sent, and under which number."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PARCEL]})

    carrier: Carrier
    tracking_no: TrackingNo


class ShippedIn(ParcelIn):
    """One component that was sent."""

    component_id: UUID


class ShippedListIn(Incoming):
    """What was sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"component_id": "01939f6c-2a06-7b3e-9c51-5d10c0a8b99a", **_PARCEL}]}]
        }
    )

    items: Annotated[list[ShippedIn], Field(min_length=1, max_length=SHIPPED_MAX)]


class ShippedLineOut(BaseModel):
    """What became of one line. `code` says why it was refused, as a problem's code does."""

    line: int = Field(description="of the file, or of the list, from 1")
    outcome: Literal["shipped", "refused"]
    component_id: UUID | None = None
    code: str | None = Field(default=None, examples=["shipment.state"])


class ShippedOut(BaseModel):
    """What became of each line."""

    shipped: int
    refused: int
    lines: list[ShippedLineOut]


class AddressesIn(Incoming):
    """Whose addresses are wanted: of all that are to be sent, of one SKU, or of some."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "awaiting"}]})

    state: ShipmentState = ShipmentState.AWAITING
    sku_id: UUID | None = None
    component_ids: Annotated[list[UUID], Field(min_length=1, max_length=SHIPPED_MAX)] | None = None


class ShipmentOut(BaseModel):
    """One component that is sent by hand, with all its units."""

    component_id: UUID
    order_id: UUID
    sku_id: UUID
    name: str
    quantity: int
    state: ShipmentState
    ship_before: datetime
    carrier: str | None = None
    tracking_no: str | None = Field(default=None, repr=False)
    shipped_at: datetime | None = None
    ended_at: datetime | None = None


class ShipmentOpsOut(ShipmentOut):
    """The same for operators. `overdue`: it should have been sent."""

    member_id: UUID | None = None
    created_at: datetime
    shipped_by: str | None = None
    ended_by: str | None = None
    overdue: bool
