"""Split contracts."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.settlement.domain.contracts import MAX_SHARES, WHOLE_BP, EarnedOn, PartyKind, Share
from shared.http import Page


class ShareIn(BaseModel):
    """One party's share: `share_bp` ten-thousandths of the price, or the remainder."""

    model_config = ConfigDict(extra="forbid")

    party_kind: PartyKind
    partner_id: UUID | None = Field(default=None, description="for every party but the platform")
    share_bp: Annotated[int, Field(ge=1, le=WHOLE_BP)] | None = None
    remainder: bool = False
    earned_on: EarnedOn = EarnedOn.SALE

    def to_share(self) -> Share:
        """The domain's share."""
        return Share(self.party_kind, self.partner_id, self.share_bp, self.remainder, self.earned_on)


class ContractIn(BaseModel):
    """The next version of a component SKU's contract. Without `effective_from` it is in force at once."""

    model_config = ConfigDict(extra="forbid")

    sku_id: UUID
    shares: Annotated[list[ShareIn], Field(min_length=1, max_length=MAX_SHARES)]
    effective_from: AwareDatetime | None = None


class ShareOut(BaseModel):
    """One party's share."""

    party_kind: PartyKind
    partner_id: UUID | None
    share_bp: int | None
    remainder: bool
    earned_on: EarnedOn


class ContractOut(BaseModel):
    """One published version. `hash` is SHA-256 of `canonical`, the version's one byte form."""

    contract_id: UUID
    sku_id: UUID
    version: int
    hash: str
    effective_from: AwareDatetime
    published_at: AwareDatetime
    shares: list[ShareOut]
    canonical: str


ContractPage = Page[ContractOut]
