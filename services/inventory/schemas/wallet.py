"""What buyers own."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.schemas.base import Incoming
from services.inventory.schemas.goods import GoodsOut


class BenefitStatus(StrEnum):
    """By what a wallet is filtered: an active entitlement whose time is over counts as expired."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REDEEMED = "redeemed"
    REVOKED = "revoked"


class WalletOrder(StrEnum):
    """How a wallet is sorted."""

    NEWEST = "newest"
    EXPIRING = "expiring"


class EntitlementOut(BaseModel):
    """Something a buyer owns. The code is not in it: that takes a reveal. `qr_offered`: a QR code can be shown instead."""

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
    expired: bool
    qr_offered: bool
    usage_instructions: str
    goods: GoodsOut
    gift_id: UUID | None = Field(
        default=None, description="the gift that is pending: until it is over nobody can use this"
    )


class EntitlementOpsOut(EntitlementOut):
    """The same for operators, with whose it is and how often it was seen."""

    member_id: UUID | None = None
    reveals: int


class CardOut(BaseModel):
    """A card in clear: its `code`, or the `link` that stands for one. It is made for one answer and kept nowhere."""

    code: str | None = Field(default=None, repr=False)
    link: str | None = Field(default=None, repr=False, examples=["https://brand.example/r?c=7QX2-9KLM"])
    password: str | None = Field(default=None, repr=False)
    serial: str | None = Field(default=None, repr=False)
    expires_at: datetime | None = None


class LinkOut(BaseModel):
    """A one-tap link's token. Made for one answer and kept nowhere."""

    token: str = Field(repr=False, examples=["KL1.AZOfbCp0ez6cUV0QwLYETA..."])
    expires_at: datetime


class LinkIn(Incoming):
    """A one-tap link that is opened."""

    token: SecretStr = Field(min_length=20, max_length=200, examples=["KL1.AZOfbCp0ez6cUV0QwLYETA..."])


class OpenedOut(BaseModel):
    """What a one-tap link shows: the code, or the address where it is used."""

    code: str | None = Field(default=None, repr=False)
    use_url: str | None = Field(default=None, repr=False)
    password: str | None = Field(default=None, repr=False)
    serial: str | None = Field(default=None, repr=False)
    expires_at: datetime | None = None
