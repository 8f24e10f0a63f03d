"""Baskets, quotes and new orders."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order.schemas.examples import ADDRESS_EXAMPLE, BASKET_EXAMPLE, CHECKOUT_EXAMPLE, QUOTE_EXAMPLE

LINES_MAX = 20
"""Lines in one order."""

BUYER_FIELDS_MAX = 10

CHOICES_MAX = 100
"""SKUs chosen in one line: as many as a bundle can offer."""

_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Value = Annotated[str, Field(max_length=256)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AddressIn(_Body):
    """Where something is sent. 省 `province`, 市 `city`, 区 `district`, 详细地址 `detail`."""

    model_config = ConfigDict(json_schema_extra={"examples": [ADDRESS_EXAMPLE]})

    recipient: _Value
    phone: _Value
    province: _Value
    city: _Value
    district: _Value = ""
    detail: _Value
    postcode: _Value = ""


class LineIn(_Body):
    """What is wanted. `choices` are the SKUs chosen of a bundle's groups; `buyer_fields` is what the goods need to know,
    such as the account to top up, or the address to send to. With `accept_substitutes` something else of at least the same
    worth may be delivered where it cannot be had, if the shop names any; else it is refunded.
    """

    sku_id: UUID
    quantity: Annotated[int, Field(strict=True)]
    buyer_fields: Annotated[dict[_Name, _Value | AddressIn] | None, Field(max_length=BUYER_FIELDS_MAX)] = None
    choices: Annotated[list[UUID], Field(max_length=CHOICES_MAX)] = []
    accept_substitutes: bool = True

    @property
    def told(self) -> dict[str, str]:
        """What the buyer tells, each as text: an address as JSON."""
        return {
            name: value if isinstance(value, str) else value.model_dump_json(exclude_defaults=True)
            for name, value in (self.buyer_fields or {}).items()
        }


class QuoteIn(_Body):
    """A basket."""

    model_config = ConfigDict(json_schema_extra={"examples": [BASKET_EXAMPLE]})

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]
    coupon_id: UUID | None = None
    points: Annotated[int | None, Field(ge=0)] = None
    channel: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")] = "web"


class ContactIn(_Body):
    """How a guest can be reached: at least one of the two."""

    email: Annotated[str | None, Field(max_length=254)] = None
    phone: Annotated[str | None, Field(max_length=32)] = None


class CheckoutIn(QuoteIn):
    """A basket to be ordered. With `expected_total_minor` it is ordered at that price or not at all."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHECKOUT_EXAMPLE]})

    contact: ContactIn | None = None
    expected_total_minor: Annotated[int | None, Field(strict=True, ge=0)] = None


class AdjustmentOut(BaseModel):
    """One explained step from list price to price paid; `amount_minor` is what it takes off."""

    kind: str
    label: str
    amount_minor: int
    rule: str


class QuoteLineOut(BaseModel):
    """One line at its price, with the steps from `list_minor` to `total_minor`. `period` is how long it lasts."""

    sku_id: UUID
    name: str
    quantity: int
    unit_minor: int
    list_minor: int
    total_minor: int
    period: str | None = None
    adjustments: list[AdjustmentOut] = []


class QuoteOut(BaseModel):
    """What a basket costs, and why. `adjustments` sum those of the lines by rule."""

    model_config = ConfigDict(json_schema_extra={"examples": [QUOTE_EXAMPLE]})

    currency: str
    list_minor: int
    total_minor: int
    lines: list[QuoteLineOut]
    adjustments: list[AdjustmentOut]


class CheckoutOut(BaseModel):
    """A new order. A guest's `access_token` opens this one order: its status, its codes and its refund."""

    order_id: UUID
    order_no: str
    status: str
    currency: str
    total_minor: int
    adjustments: list[AdjustmentOut]
    pay_before: datetime
    access_token: str | None = None
