"""What the kind of a SKU has to know of it, as operators tell it and as buyers see it."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.inventory.domain.codes import LENGTH_MAX, Alphabet, CodePattern
from services.inventory.domain.goods import (
    LINK_HOSTS_MAX,
    FaceValue,
    Goods,
    LinkRule,
    SeatedEvent,
    Shipping,
    Validity,
)
from services.inventory.schemas.base import Incoming, PriceMinor

GOODS_EXAMPLE: Final[dict[str, Any]] = {
    "code": {"prefix": "SUMMER", "alphabet": "mixed", "groups": 4, "group_length": 5},
    "value": {"face_minor": 2_000, "threshold_minor": 10_000},
    "validity": {"until": "2027-06-30T16:00:00Z", "days": 90},
}

Days = Annotated[int, Field(ge=1, le=3_650)]
HostName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$")]


class CodePatternIn(Incoming):
    """How codes look that are made when they are paid for: `SUMMER-7QX2K-…`, the last sign a check of the others.

    Fewer than 60 bits that nobody knows are refused; left out, a code has 91.
    """

    prefix: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,12}$")] = ""
    alphabet: Alphabet = Alphabet.MIXED
    groups: Annotated[int, Field(ge=1, le=8)] = 4
    group_length: Annotated[int, Field(ge=3, le=LENGTH_MAX)] = 5


class RedeemLinkIn(Incoming):
    """Where redeem links may lead. With a `template` links are made of codes, else they are imported."""

    hosts: Annotated[tuple[HostName, ...], Field(min_length=1, max_length=LINK_HOSTS_MAX)]
    template: Annotated[str, Field(max_length=300, examples=["https://brand.example/r?c={code}"])] | None = None


class FaceValueIn(Incoming):
    """What a cash voucher (代金券) takes off a bill that comes to the threshold at least."""

    face_minor: Annotated[PriceMinor, Field(ge=1)]
    threshold_minor: PriceMinor = 0


class ValidityIn(Incoming):
    """Until when a unit is good: a moment, so many days from its issue, or whichever is over first."""

    until: AwareDatetime | None = None
    days: Days | None = None


class SeatedEventIn(Incoming):
    """Where and when one has a seat. `numbered` seats are given out in order: `A-1`, `A-2`, … with the prefix `A-`."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    place: Annotated[str, Field(min_length=1, max_length=200, examples=["上海·梅赛德斯-奔驰文化中心"])]
    numbered: bool = False
    seat_prefix: Annotated[str, Field(max_length=20)] = ""


class ShippingIn(Incoming):
    """How soon what is sent leaves after it was paid for."""

    within_days: Annotated[int, Field(ge=1, le=60)] = 3


class GoodsIn(Incoming):
    """What the kind needs: `generated_key` a `code`; `redeem_link` a `link`; `cash_voucher` a `value` and a `validity`;
    `event_seat` an `event`.

    A `code` for links or cash vouchers says that they are made when they are paid for, not imported. `cost_minor` is what
    one unit costs us that we make or send.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [GOODS_EXAMPLE]})

    code: CodePatternIn | None = None
    link: RedeemLinkIn | None = None
    value: FaceValueIn | None = None
    validity: ValidityIn | None = None
    event: SeatedEventIn | None = None
    shipping: ShippingIn | None = None
    cost_minor: PriceMinor = 0

    def as_goods(self) -> Goods:
        """The goods as a SKU has them."""
        return Goods(
            code=CodePattern(**self.code.model_dump()) if self.code else None,
            link=LinkRule(self.link.hosts, self.link.template) if self.link else None,
            value=FaceValue(self.value.face_minor, self.value.threshold_minor) if self.value else None,
            validity=Validity(self.validity.until, self.validity.days) if self.validity else None,
            event=SeatedEvent(**self.event.model_dump()) if self.event else None,
            shipping=Shipping(self.shipping.within_days) if self.shipping else None,
            cost_minor=self.cost_minor,
        )


class FaceValueOut(BaseModel):
    """What a cash voucher takes off a bill that comes to the threshold at least."""

    face_minor: int
    threshold_minor: int


class ValidityOut(BaseModel):
    """Until when a unit is good."""

    until: datetime | None = None
    days: int | None = None


class SeatedEventOut(BaseModel):
    """Where and when one has a seat."""

    starts_at: datetime
    ends_at: datetime
    place: str
    numbered: bool


class ShippingOut(BaseModel):
    """How soon what is sent leaves after it was paid for."""

    within_days: int


class GoodsOut(BaseModel):
    """What buyers know of the goods."""

    value: FaceValueOut | None = None
    validity: ValidityOut | None = None
    event: SeatedEventOut | None = None
    shipping: ShippingOut | None = None


class CodePatternOut(BaseModel):
    """How codes look that are made."""

    prefix: str
    alphabet: Alphabet
    groups: int
    group_length: int


class RedeemLinkOut(BaseModel):
    """Where redeem links may lead."""

    hosts: list[str]
    template: str | None = None


class GoodsOpsOut(GoodsOut):
    """What operators know of the goods."""

    code: CodePatternOut | None = None
    link: RedeemLinkOut | None = None
    cost_minor: int = 0
