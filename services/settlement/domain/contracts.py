"""Split contracts: who shares a component's price, by what rule; checked before they are published, locked by a hash."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

WHOLE_BP = 10_000
MAX_SHARES = 20
"""A sale is shared among a handful; the bound keeps a journal small."""

MAX_LEAD = timedelta(days=5 * 366)
"""A start further away than five years is a slip of the pen."""

CLOCK_SKEW = timedelta(seconds=60)
"""How far an operator's "now" may lie behind ours before it counts as backdating."""

CANONICAL_FORM = "kaquan.split-contract/1"


class PartyKind(StrEnum):
    """The part a party plays in a sale."""

    PLATFORM = "platform"
    BRAND = "brand"
    SUPPLIER = "supplier"
    CHANNEL = "channel"


class EarnedOn(StrEnum):
    """When a share becomes the party's."""

    SALE = "sale"
    REDEMPTION = "redemption"


class ContractError(Exception):
    """The contract cannot be published."""


class SharesExceedWholeError(ContractError):
    """The shares add up to more than 100 %."""


class RemainderError(ContractError):
    """There is not exactly one party that takes the remainder."""


class PartyError(ContractError):
    """A party is named twice, or has a partner where it must not, or none where it must."""


class ContractDateError(ContractError):
    """The start is in the past, before the version it follows, or too far away."""


@dataclass(frozen=True, slots=True)
class Share:
    """One party's rule: `share_bp` ten-thousandths of the price, or the remainder."""

    party: PartyKind
    partner_id: UUID | None
    share_bp: int | None
    remainder: bool
    earned_on: EarnedOn


@dataclass(frozen=True, slots=True)
class SplitContract:
    """One published version of a component SKU's contract."""

    contract_id: UUID
    sku_id: UUID
    version: int
    effective_from: datetime
    shares: tuple[Share, ...]

    def canonical(self) -> bytes:
        """The one byte form of this version, over which the hash is taken.

        JSON as RFC 8785 writes it for these types: UTF-8, members sorted by name, no white space, integers only; ids
        in lower case, the start in UTC as `2026-11-21T16:00:00.000000Z`, absent values as null, shares in their order.
        """
        document = {
            "form": CANONICAL_FORM,
            "contract_id": str(self.contract_id),
            "sku_id": str(self.sku_id),
            "version": self.version,
            "effective_from": self.effective_from.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "shares": [
                {
                    "party_kind": share.party.value,
                    "partner_id": str(share.partner_id) if share.partner_id else None,
                    "share_bp": share.share_bp,
                    "remainder": share.remainder,
                    "earned_on": share.earned_on.value,
                }
                for share in self.shares
            ],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sha256(self) -> str:
        """The hash that an order locks, in lower-case hex."""
        return hashlib.sha256(self.canonical()).hexdigest()


def check_shares(shares: Sequence[Share]) -> None:
    """See that the shares divide a price without doubt.

    :raises PartyError: no party or too many, one named twice, or a partner missing or misplaced.
    :raises RemainderError: not exactly one party takes the remainder, or a party has both a share and the remainder.
    :raises SharesExceedWholeError: the shares are over 100 %.
    """
    if not 1 <= len(shares) <= MAX_SHARES:
        raise PartyError(f"a contract has between 1 and {MAX_SHARES} parties, not {len(shares)}")
    _check_parties(shares)
    remainders = sum(1 for share in shares if share.remainder)
    if remainders != 1:
        raise RemainderError(f"exactly one party takes the remainder; here {remainders} do")
    if any(share.remainder == (share.share_bp is not None) for share in shares):
        raise RemainderError("a party has either share_bp or the remainder, never both or neither")
    total_bp = sum(share.share_bp or 0 for share in shares)
    if total_bp > WHOLE_BP:
        raise SharesExceedWholeError(f"the shares add up to {total_bp} of {WHOLE_BP} basis points")


def check_start(effective_from: datetime, *, previous: datetime | None, now: datetime) -> None:
    """See that a version starts neither in the past nor before the version it follows.

    :raises ContractDateError: it does, or it starts more than five years from now.
    """
    if effective_from < now - CLOCK_SKEW:
        raise ContractDateError(f"{effective_from.isoformat()} is in the past: a contract is never backdated")
    if effective_from > now + MAX_LEAD:
        raise ContractDateError(f"{effective_from.isoformat()} is more than five years away")
    if previous is not None and effective_from < previous:
        raise ContractDateError(f"the version before this one starts later, at {previous.isoformat()}")


def _check_parties(shares: Sequence[Share]) -> None:
    seen: set[tuple[PartyKind, UUID | None]] = set()
    for share in shares:
        if (share.party is PartyKind.PLATFORM) != (share.partner_id is None):
            raise PartyError("the platform has no partner_id; every other party needs one")
        if (share.party, share.partner_id) in seen:
            raise PartyError(f"{share.party} {share.partner_id or ''} is named twice".replace("  ", " "))
        seen.add((share.party, share.partner_id))
