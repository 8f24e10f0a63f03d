"""What buyers own and partners honour."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr

from services.inventory.domain.cards import CODE_LENGTH_MAX
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.schemas.base import NAME_LENGTH_MAX, Incoming


class EntitlementOut(BaseModel):
    """Something a buyer owns. The code is not in it: that takes a reveal."""

    entitlement_id: UUID
    order_id: UUID
    component_id: UUID
    sku_id: UUID
    name: str
    kind: SkuKind
    masked: str
    status: EntitlementState
    issued_at: datetime
    expires_at: datetime | None = None
    first_revealed_at: datetime | None = None
    redeemed_at: datetime | None = None


class EntitlementOpsOut(EntitlementOut):
    """The same for operators, with whose it is and how often it was seen."""

    member_id: UUID | None = None
    reveals: int


class CardOut(BaseModel):
    """A card in clear. It is made for one answer and kept nowhere."""

    code: str = Field(repr=False)
    password: str | None = Field(default=None, repr=False)
    serial: str | None = Field(default=None, repr=False)
    expires_at: datetime | None = None


class RedemptionIn(Incoming):
    """A code presented at a partner, as typed (`code`) or as read from a QR code (`qr`)."""

    code: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)
    qr: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)
    store: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)] | None = None


class RedemptionOut(BaseModel):
    """A code that was honoured."""

    redemption_id: UUID
    sku_id: UUID
    order_id: UUID
    masked: str
    store: str | None = None
    redeemed_at: datetime


class RedeemedOut(BaseModel):
    """The answer to a redemption."""

    redemption_id: UUID
    masked: str
    redeemed_at: datetime
