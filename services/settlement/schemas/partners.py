"""Partners and their keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.settlement.domain.partners import KeyAlgorithm
from shared.http import Page

MAX_OVERLAP_S = 30 * 24 * 3600
DEFAULT_OVERLAP_S = 24 * 3600
PUBLIC_KEY_CHARS_MAX = 400
"""A PEM file of an Ed25519 public key has some 115 characters."""


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a name is one line of printable text")
    return text


PartnerName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_one_line)
]
PublicKey = Annotated[str, Field(min_length=1, max_length=PUBLIC_KEY_CHARS_MAX)]


class PartnerIn(BaseModel):
    """A partner to register."""

    model_config = ConfigDict(extra="forbid")

    name: PartnerName


class PartnerOut(BaseModel):
    """Somebody the platform may share a sale with."""

    partner_id: UUID
    name: str
    created_at: datetime


PartnerPage = Page[PartnerOut]


class BrandOut(BaseModel):
    """A partner as buyers see it: whose goods they are."""

    partner_id: UUID
    name: str


class BrandsOut(BaseModel):
    """Those that were asked for and are known."""

    items: list[BrandOut]


class KeyIn(BaseModel):
    """A key to make. For ed25519 the partner supplies its public key; for hmac-sha256 we make a secret."""

    model_config = ConfigDict(extra="forbid")

    algorithm: KeyAlgorithm
    public_key: PublicKey | None = Field(default=None, description="ed25519 only: 32 bytes in base64, or PEM")


class RotationIn(BaseModel):
    """A new key in place of an old one, which is honoured for the overlap."""

    model_config = ConfigDict(extra="forbid")

    public_key: PublicKey | None = Field(default=None, description="ed25519 only: 32 bytes in base64, or PEM")
    overlap_s: int = Field(default=DEFAULT_OVERLAP_S, ge=0, le=MAX_OVERLAP_S)


class KeyOut(BaseModel):
    """A partner's key, without what it is made of."""

    key_id: str
    partner_id: UUID
    algorithm: KeyAlgorithm
    active: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A key just made. `secret` (base64) is shown this once: a repeated request has `null` in its place."""

    secret: str | None


class KeysOut(BaseModel):
    """All keys of a partner, the newest first."""

    items: list[KeyOut]
    next_cursor: None = None


class VerificationKeyOut(BaseModel):
    """What the gateway verifies a partner's signatures with. Material is base64, and only there while the key is active.

    `role`: a partner who buys is a channel, and nothing else.
    """

    partner_id: UUID
    role: Literal["partner", "channel"]
    algorithm: KeyAlgorithm
    active: bool
    secret: str | None = None
    public_key: str | None = None
