"""Words in which the terms of a SKU are said: its period, its price ladder, what the buyer has to tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

LADDER_STEPS_MAX = 10
BUYER_FIELDS_MAX = 10
TIERS_MAX = 20


class SkuPeriod(StrEnum):
    """How long what is bought lasts (月/季/年)."""

    MONTH = "month"
    SEASON = "season"
    YEAR = "year"


class BuyerFieldKind(StrEnum):
    """What kind of thing the buyer tells."""

    PHONE = "phone"
    ACCOUNT = "account"
    TEXT = "text"
    CHOICE = "choice"
    ADDRESS = "address"
    NAME = "name"


class BuyerFieldPattern(StrEnum):
    """What a value must look like; a closed set, none of which can be made to run long."""

    ANY = "any"
    DIGITS = "digits"
    ALPHANUMERIC = "alphanumeric"
    EMAIL = "email"
    CN_MOBILE = "cn_mobile"
    QQ = "qq"


@dataclass(frozen=True, slots=True)
class LadderStep:
    """From this quantity in one order on, a unit costs this."""

    quantity_from: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class BuyerField:
    """Something the goods need to know of the buyer."""

    name: str
    label_zh: str
    label_en: str
    kind: BuyerFieldKind
    pattern: BuyerFieldPattern = BuyerFieldPattern.ANY
    required: bool = True
    choices: tuple[str, ...] = ()


SHIPPING_ADDRESS: Final = BuyerField("address", "收货地址", "Shipping address", BuyerFieldKind.ADDRESS)
ATTENDEE_NAME: Final = BuyerField("attendee", "参加人姓名", "Name of who attends", BuyerFieldKind.NAME)
ATTENDEE_PHONE: Final = BuyerField(
    "phone", "参加人手机号", "Mobile number of who attends", BuyerFieldKind.PHONE, BuyerFieldPattern.CN_MOBILE
)


def read_buyer_field(values: Mapping[str, Any]) -> BuyerField:
    """A field as it is stored."""
    return BuyerField(
        name=values["name"],
        label_zh=values["label_zh"],
        label_en=values["label_en"],
        kind=BuyerFieldKind(values["kind"]),
        pattern=BuyerFieldPattern(values["pattern"]),
        required=values["required"],
        choices=tuple(values["choices"]),
    )
