"""What partners honour."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.inventory.domain.cards import CODE_LENGTH_MAX
from services.inventory.domain.redeeming import RedemptionChannel
from services.inventory.schemas.base import NAME_LENGTH_MAX, Incoming

Place = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]


class TillIn(Incoming):
    """Where a code is presented, as the partner names its places and people."""

    store: Place | None = Field(default=None, examples=["上海南京西路店"])
    terminal: Place | None = Field(default=None, examples=["POS-03"])
    cashier: Place | None = Field(default=None, examples=["E1024"])


class RedemptionIn(TillIn):
    """A code presented at a partner, as typed (`code`) or as read from a QR code (`qr`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "COFFEE-7QX2-9KLM", "store": "上海南京西路店", "terminal": "POS-03", "cashier": "E1024"}
            ]
        }
    )

    code: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)
    qr: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)


class RedemptionOut(BaseModel):
    """A code that was honoured. `channel` is absent where it was honoured before that was kept."""

    redemption_id: UUID
    entitlement_id: UUID
    partner_id: UUID
    sku_id: UUID
    order_id: UUID
    masked: str
    channel: RedemptionChannel | None = None
    store: str | None = None
    terminal: str | None = None
    cashier: str | None = None
    redeemed_at: datetime


class RedeemedOut(BaseModel):
    """The answer to a redemption."""

    redemption_id: UUID
    masked: str
    redeemed_at: datetime
