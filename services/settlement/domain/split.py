"""Dividing money: a component's price among its parties, and a deferred leg among its units. Never a cent of drift."""

from typing import NamedTuple
from uuid import UUID

from services.settlement.domain.contracts import WHOLE_BP, EarnedOn, PartyKind, SplitContract
from shared.money import allocate


class Leg(NamedTuple):
    """What one party gets of one component, in minor units. `deferred`: it becomes payable on redemption."""

    party: PartyKind
    partner_id: UUID | None
    amount_minor: int
    deferred: bool


class OverRedeemedError(Exception):
    """More units are redeemed than the component has."""


def split(amount_minor: int, contract: SplitContract | None) -> tuple[Leg, ...]:
    """Divide a component's price by its locked contract; without one the platform keeps all.

    Shares are exact rationals of the price; the remainder party's is what the others leave of 100 %. Every part is
    rounded down and the cents left go to the largest fractions, of equal ones to the earlier party (`money.allocate`),
    so that the parts sum to the price and each is less than one minor unit from its exact share. Empty parts are left out.
    """
    if contract is None:
        legs = (Leg(PartyKind.PLATFORM, None, amount_minor, deferred=False),)
        return legs if amount_minor else ()
    left_bp = WHOLE_BP - sum(share.share_bp or 0 for share in contract.shares)
    weights = [left_bp if share.share_bp is None else share.share_bp for share in contract.shares]
    return tuple(
        Leg(share.party, share.partner_id, part, deferred=share.earned_on is EarnedOn.REDEMPTION)
        for share, part in zip(contract.shares, allocate(amount_minor, weights), strict=True)
        if part
    )


def unit_share(amount_minor: int, *, units: int, ordinal: int) -> int:
    """What the `ordinal`-th redeemed unit (from 1) takes of a deferred leg; the last one takes the rest.

    :raises OverRedeemedError: the component has fewer units.
    """
    if not 1 <= ordinal <= units:
        raise OverRedeemedError(f"unit {ordinal} of a component of {units}")
    each = amount_minor // units
    return amount_minor - each * (units - 1) if ordinal == units else each
