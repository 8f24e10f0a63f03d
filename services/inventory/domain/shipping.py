"""What is sent by hand: where each component of it stands, and where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import orjson

from services.inventory.domain.delivery import DeliveryState

SIGNED_AFTER = timedelta(days=15)
"""What nobody has complained about so long after it was sent has arrived."""


class ShipmentState(StrEnum):
    """Where the units of one component are; they travel together.

    `awaiting`: to be sent. `signed`: received. `returned` and `lost` may be sent again. `cancelled`: refunded before it was
    sent.
    """

    AWAITING = "awaiting"
    SHIPPED = "shipped"
    SIGNED = "signed"
    RETURNED = "returned"
    LOST = "lost"
    CANCELLED = "cancelled"


MOVES: Final[Mapping[ShipmentState, frozenset[ShipmentState]]] = {
    ShipmentState.AWAITING: frozenset({ShipmentState.SHIPPED, ShipmentState.CANCELLED}),
    ShipmentState.SHIPPED: frozenset({ShipmentState.SIGNED, ShipmentState.RETURNED, ShipmentState.LOST}),
    ShipmentState.SIGNED: frozenset({ShipmentState.RETURNED}),
    ShipmentState.RETURNED: frozenset({ShipmentState.SHIPPED}),
    ShipmentState.LOST: frozenset({ShipmentState.SHIPPED, ShipmentState.SIGNED}),
    ShipmentState.CANCELLED: frozenset(),
}

AWAY: Final = frozenset({ShipmentState.SHIPPED, ShipmentState.SIGNED})
"""With the buyer, or on the way: a refund is refused."""

_LIVE = frozenset({DeliveryState.AWAITING_SHIPMENT, DeliveryState.ISSUED})


class ShipmentUnknownError(Exception):
    """There is no such shipment, or it is somebody else's."""


class ShipmentStateError(Exception):
    """The shipment is where it cannot go there from, or it was taken back."""


class ShipmentsTooManyError(Exception):
    """More shipments than one file may hold."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """By whom something was sent, and under which number."""

    carrier: str
    tracking_no: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shipment:
    """One component that is sent by hand, locked with its delivery."""

    component_id: UUID
    state: ShipmentState
    delivery_state: DeliveryState
    parcel: Parcel | None

    def check_move(self, to: ShipmentState) -> None:
        """:raises ShipmentStateError: it does not go there, or nothing of it is the buyer's any more."""
        if self.delivery_state not in _LIVE:
            raise ShipmentStateError("it was taken back")
        if to not in MOVES[self.state]:
            raise ShipmentStateError(f"a shipment that is {self.state} does not become {to}")

    def sent_as(self, parcel: Parcel) -> bool:
        """Whether it is on its way just so already: said twice, it is the same."""
        return self.state is ShipmentState.SHIPPED and self.parcel == parcel


@dataclass(frozen=True, slots=True)
class Promise:
    """A component that will be sent, and until when."""

    component_id: UUID
    ship_before: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """Where something goes. `repr` shows nothing of it."""

    recipient: str
    phone: str
    province: str
    city: str
    detail: str
    district: str = ""
    postcode: str = ""

    def __repr__(self) -> str:
        return "Address(***)"


def read_address(fields: Mapping[str, str]) -> Address | None:
    """The address among what the buyer told: order sends it as JSON, in the field that its SKU asks for.

    None: there is none.
    """
    for value in fields.values():
        if value.startswith("{"):
            return Address(**orjson.loads(value))
    return None
