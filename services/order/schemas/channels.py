"""Channels' terms, orders and goods."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.order.schemas.checkout import LINES_MAX, LineIn
from services.order.schemas.orders import ComponentOut, RefundOut

PRICES_MAX = 5_000
NAMED_MAX = 5_000
MONEY_MAX = 10**12

_SKU_ID = "01939f6c-2a07-7b3e-9c51-5d10c0a8d889"
_CODE: Final[dict[str, Any]] = {"code": "XH8K-22PQ-7M3D", "password": None, "serial": None, "expires_at": None}

ExternalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Money = Annotated[int, Field(strict=True, ge=0, le=MONEY_MAX)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class TermsIn(_In):
    """What a channel may buy and at which price. `price_bp` 9200: 92 % of the list price; `prices` count instead, by SKU.

    With all of `sku_ids`, `product_ids` and `categories` empty everything is sold. `tier`: gates of goods are passed as
    by a member of it. `buyer_limits`: what one buyer may have at most counts for the channel too.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"price_bp": 9_200, "prices": {_SKU_ID: 1_680}, "categories": ["video"]}]},
    )

    active: bool = True
    price_bp: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 10_000
    prices: Annotated[dict[UUID, Money], Field(max_length=PRICES_MAX)] = {}
    sku_ids: Annotated[list[UUID], Field(max_length=NAMED_MAX)] = []
    product_ids: Annotated[list[UUID], Field(max_length=NAMED_MAX)] = []
    categories: Annotated[list[Word], Field(max_length=200)] = []
    tier: Word | None = None
    buyer_limits: bool = True


class TermsOut(TermsIn):
    """The terms as they stand."""

    channel_id: UUID
    name: str


class ChannelOrderIn(_In):
    """An order by the channel's own number, which makes it once. With `max_total_minor` it costs no more, or is not made.

    `notify`: webhooks tell what becomes of it.
    """

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {
                    "external_id": "XH-20261125-0001",
                    "lines": [{"sku_id": _SKU_ID, "quantity": 1, "buyer_fields": {"account": "13800138000"}}],
                    "max_total_minor": 1_800,
                }
            ]
        },
    )

    external_id: ExternalId
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]
    max_total_minor: Money | None = None
    notify: bool = True


class CodeOut(BaseModel):
    """A code in clear."""

    code: str
    password: str | None = None
    serial: str | None = None
    expires_at: datetime | None = None


class ChannelComponentOut(ComponentOut):
    """The unit of delivery and refund. `codes` are there with `reveal=true`, once it is issued; each look is audited."""

    codes: list[CodeOut] | None = None


class ChannelLineOut(BaseModel):
    """One SKU of the order."""

    line_id: UUID
    sku_id: UUID
    name: str
    quantity: int
    list_minor: int
    total_minor: int
    components: list[ChannelComponentOut]


class ChannelOrderOut(BaseModel):
    """A channel's order as it stands. `status` as buyers see it; `fulfilled` and `completed` are delivered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "external_id": "XH-20261125-0001",
                    "order_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8aa",
                    "order_no": "202611257K3QZ9X2M4T8",
                    "status": "completed",
                    "currency": "CNY",
                    "list_minor": 1_900,
                    "total_minor": 1_710,
                    "created_at": "2026-11-25T04:30:00Z",
                    "paid_at": "2026-11-25T04:30:00Z",
                    "fulfilled_at": "2026-11-25T04:30:01Z",
                    "cancelled_at": None,
                    "lines": [
                        {
                            "line_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8ab",
                            "sku_id": _SKU_ID,
                            "name": "星海视频 VIP 月卡",
                            "quantity": 1,
                            "list_minor": 1_900,
                            "total_minor": 1_710,
                            "components": [
                                {
                                    "component_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8a8",
                                    "sku_id": _SKU_ID,
                                    "name": "星海视频 VIP 月卡",
                                    "kind": "card_key",
                                    "quantity": 1,
                                    "amount_minor": 1_710,
                                    "status": "settled",
                                    "entitlement_ids": ["01939f6c-2a07-7b3e-9c51-5d10c0a8d8f0"],
                                    "masked": ["XH8K****"],
                                    "reason": None,
                                    "codes": [_CODE],
                                }
                            ],
                        }
                    ],
                    "refunds": [],
                }
            ]
        }
    )

    external_id: str
    order_id: UUID
    order_no: str
    status: str
    currency: str
    list_minor: int
    total_minor: int
    created_at: datetime
    paid_at: datetime | None
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    lines: list[ChannelLineOut]
    refunds: list[RefundOut]


class AskedFieldOut(BaseModel):
    """Something the goods need to know of the buyer."""

    name: str
    kind: str
    pattern: str
    required: bool
    choices: list[str]


class ChannelGoodsOut(BaseModel):
    """A SKU as this channel can buy it. `stock` null: not known yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sku_id": _SKU_ID,
                    "product_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d880",
                    "name": "星海视频 VIP 月卡",
                    "kind": "direct_top_up",
                    "currency": "CNY",
                    "list_minor": 1_900,
                    "price_minor": 1_710,
                    "stock": 312,
                    "min_per_order": 1,
                    "order_step": 1,
                    "max_per_order": 50,
                    "period": "month",
                    "buyer_fields": [
                        {"name": "account", "kind": "account", "pattern": "cn_mobile", "required": True, "choices": []}
                    ],
                    "has_choices": False,
                }
            ]
        }
    )

    sku_id: UUID
    product_id: UUID
    name: str
    kind: str = Field(description="`bundle`, or how its one component is delivered")
    currency: str
    list_minor: int
    price_minor: int
    stock: int | None
    min_per_order: int
    order_step: int
    max_per_order: int
    period: str | None
    buyer_fields: list[AskedFieldOut]
    has_choices: bool
