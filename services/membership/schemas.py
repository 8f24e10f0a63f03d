"""HTTP bodies of the membership service. Contacts leave it masked; passwords and tokens never show in a `repr`."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from shared.http import Page

MAX_PASSWORD_INPUT = 256
"""Longer than any password that is taken: a bound on what is hashed."""

MAX_CONTACT_INPUT = 320
MAX_TOKEN_INPUT = 512
MAX_TIERS = 20
MAX_THRESHOLD_MINOR = 10**12

PhoneIn = Annotated[str, Field(min_length=5, max_length=MAX_CONTACT_INPUT, examples=["13800138000"])]
EmailIn = Annotated[str, Field(min_length=3, max_length=MAX_CONTACT_INPUT, examples=["li@example.com"])]
PasswordIn = Annotated[SecretStr, Field(min_length=1, max_length=MAX_PASSWORD_INPUT)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class RegisterIn(_Input):
    """A phone number, an e-mail address, or both."""

    phone: PhoneIn | None = None
    email: EmailIn | None = None
    password: PasswordIn
    invite_code: Annotated[str, Field(min_length=4, max_length=32)] | None = None


class SignInIn(_Input):
    """Buyers give `phone` or `email`; operators give `login` and `totp`."""

    phone: PhoneIn | None = None
    email: EmailIn | None = None
    login: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    password: PasswordIn
    totp: Annotated[str, Field(pattern=r"^\d{6}$")] | None = None

    @model_validator(mode="after")
    def _one_account(self) -> Self:
        if sum(handle is not None for handle in (self.phone, self.email, self.login)) != 1:
            raise ValueError("give exactly one of phone, email and login")
        if (self.login is None) != (self.totp is None):
            raise ValueError("operators give login and totp together")
        return self


class RefreshIn(_Input):
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=MAX_TOKEN_INPUT)]


class TokensOut(BaseModel):
    """An access token for `expires_in` seconds, and the refresh token that brings the next, once."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105  # the name of a scheme
    expires_in: int


class MemberTokensOut(TokensOut):
    member_id: UUID


class OperatorTokensOut(TokensOut):
    operator_id: UUID


class TierOut(BaseModel):
    """From `threshold_minor` spent in the last 365 days one pays `price_bp` ten-thousandths: 9000 is 九折."""

    code: str
    name: str
    threshold_minor: int
    price_bp: int


class MemberOut(BaseModel):
    """An account as its owner, or an operator, sees it."""

    member_id: UUID
    phone: str | None = Field(description="masked")
    email: str | None = Field(description="masked")
    invite_code: str
    registered_at: datetime
    tier: str
    tier_name: str
    price_bp: int


class OperatorMemberOut(MemberOut):
    """What operators see besides."""

    invited_by: UUID | None
    spend_minor: int
    downgrade_at: datetime | None


MemberPage = Page[OperatorMemberOut]


class NextTierOut(TierOut):
    """The next higher tier. `missing_minor` is what is still to be spent for it."""

    missing_minor: int


class StandingOut(BaseModel):
    """Where a member stands. `downgrade_at`: when the tier is lost, unless enough is spent before."""

    tier: TierOut
    spend_minor: int = Field(description="paid and not refunded within the last 365 days")
    currency: str
    price_bp: int
    next_tier: NextTierOut | None
    downgrade_at: datetime | None


class TierIn(_Input):
    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    name: Annotated[str, Field(min_length=1, max_length=50)]
    threshold_minor: Annotated[int, Field(ge=0, le=MAX_THRESHOLD_MINOR)]
    price_bp: Annotated[int, Field(ge=1, le=10_000)]


class TierTableIn(_Input):
    """All tiers. One begins at 0, and a higher one pays no more than a lower."""

    tiers: Annotated[list[TierIn], Field(min_length=1, max_length=MAX_TIERS)]


class TierTableOut(BaseModel):
    """The tiers in force, from the lowest to the highest."""

    version: int
    items: list[TierOut]
    next_cursor: None = None


class FiguresOut(BaseModel):
    """For the dashboard. `registrations_today` counts from midnight in Shanghai."""

    members: int
    registrations_today: int
    by_tier: dict[str, int]


class WechatIn(_Input):
    """What `wx.login` gave the mini-program."""

    code: Annotated[SecretStr, Field(min_length=1, max_length=128)]


class ContactsIn(_Input):
    """Whose contacts are asked for."""

    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)]


class ContactOut(BaseModel):
    """How one member can be reached. Its `repr` shows nothing of it."""

    member_id: UUID
    phone: Annotated[str | None, Field(repr=False)]
    email: Annotated[str | None, Field(repr=False)]
    wechat_openid: Annotated[str | None, Field(repr=False)]


class ContactsOut(BaseModel):
    """Members that are not there are left out."""

    contacts: list[ContactOut]
