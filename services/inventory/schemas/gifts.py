"""What members give one another."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.inventory.domain.gifting import GiftState
from services.inventory.schemas.base import Incoming


class GiftDirection(StrEnum):
    """Whose gifts are listed."""

    SENT = "sent"
    RECEIVED = "received"


class GiftIn(Incoming):
    """A gift to be made: to a member, or without one to whoever brings the token that comes back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "生日快乐！"}]})

    to_member_id: UUID | None = None
    message: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class GiftClaimIn(Incoming):
    """What is claimed: by the `token` of a link, or by the `gift_id` of one that names the caller."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "KG1.Jm3T8cOeW2m0xXbq0m4kqSgP..."}]})

    token: SecretStr | None = Field(default=None, min_length=20, max_length=200)
    gift_id: UUID | None = None


class GiftMadeOut(BaseModel):
    """The gift as it stands, whatever it was asked for."""

    gift_id: UUID
    entitlement_id: UUID
    state: GiftState
    expires_at: datetime


class GiftWithTokenOut(GiftMadeOut):
    """A gift that was just made. Without a named member it has a token, told this once: a page keeps it behind the `#`."""

    claim_token: str | None = Field(default=None, repr=False, examples=["KG1.Jm3T8cOeW2m0xXbq0m4kqSgP..."])
    claim_url: str | None = Field(default=None, repr=False, examples=["/gifts/claim#KG1.Jm3T8cOeW2m0xXbq0m4kqSgP..."])


class GiftOut(GiftMadeOut):
    """A gift that the caller made, or that is or was meant for him."""

    sku_id: UUID
    name: str
    message: str | None = None
    from_member_id: UUID
    to_member_id: UUID | None = None
    claimed_by: UUID | None = None
    made_at: datetime
    ended_at: datetime | None = None
