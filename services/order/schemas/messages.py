"""Messages over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_ORDER_ID = "01939f6c-2a07-7b3e-9c51-5d10c0a8d701"


class MessageOut(BaseModel):
    """One message in a member's inbox."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "message_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d702",
                "order_id": _ORDER_ID,
                "order_no": "20261125K7W2M9QX4TBR",
                "occasion": "fulfilled",
                "title": "您的订单已发货",
                "text": "您购买的星海视频 VIP 月卡已经到账（订单 20261125K7W2M9QX4TBR），请打开订单查看和使用。",
                "title_en": "Your order is ready",
                "text_en": "星海视频 VIP 月卡 of order 20261125K7W2M9QX4TBR is ready. Open the order to see and use it.",
                "created_at": "2026-11-25T04:00:00Z",
                "read_at": None,
            }
        }
    )

    message_id: UUID
    order_id: UUID
    order_no: str
    occasion: str
    title: str
    text: str
    title_en: str
    text_en: str
    created_at: datetime
    read_at: datetime | None


class UnreadOut(BaseModel):
    """How many messages were not read."""

    unread: int


class DeliveryOut(BaseModel):
    """Where a message stands on one way out. `failure` is why the last try came to nothing."""

    channel: str
    status: str
    tries: int
    due_at: datetime | None
    sent_at: datetime | None
    failure: str | None


class OperatorMessageOut(BaseModel):
    """A message as operators see it: no contact, no text. `address_at`: its ways out are not known yet."""

    message_id: UUID
    order_id: UUID
    order_no: str
    member_id: UUID | None
    occasion: str
    created_at: datetime
    read_at: datetime | None
    address_at: datetime | None
    deliveries: list[DeliveryOut]


class OrderLinkIn(BaseModel):
    """What stood behind the `#` of the link in a message."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"token": "KO1.AZOfbCoHez6cUV0QwKjXAQBpJzLAq0u1Hn5mD4Yw2c8vXe3R9A"}},
    )

    token: Annotated[SecretStr, Field(max_length=100)]


class OrderLinkOut(BaseModel):
    """The order that the link opens, with a token for it as a guest gets one at checkout, good for a day."""

    order_id: UUID
    access_token: str
    expires_at: datetime
