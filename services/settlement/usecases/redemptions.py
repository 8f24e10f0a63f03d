"""A redeemed card: what waited for it becomes payable, unit by unit."""

from collections.abc import Sequence
from datetime import datetime

from services.settlement.domain import journals
from services.settlement.domain.journals import Journal, leg_of
from services.settlement.repository import components, ledger
from services.settlement.repository.components import Redemption
from services.settlement.usecases.books import Books
from shared.contracts import CardRedeemedV1
from shared.database import UnitOfWork


async def record_redemptions(
    uow: UnitOfWork, books: Books, redeemed: Sequence[CardRedeemedV1], *, now: datetime
) -> None:
    """Keep each redemption once; where the component is split, its part of the deferred shares is earned.

    Where it is not split yet, the split will find the redemption; where it was taken back, nothing is left to earn.

    :raises OverRedeemedError: more units are redeemed than the component has.
    """
    rows = [
        Redemption(event.entitlement_id, event.component_id, event.order_id, event.partner_id, event.redeemed_at)
        for event in redeemed
    ]
    new, sold = await components.add_redemptions(uow, rows, now=now)
    splits = await ledger.posted_splits(uow, [component.sale.component_id for component in sold]) if sold else {}
    written: list[Journal] = []
    for sale, redeemed_units in sold:
        legs = [leg_of(share.posting) for share in splits.get(sale.component_id, ())]
        entitlements = new[sale.component_id]
        first = redeemed_units - len(entitlements) + 1
        for ordinal, entitlement_id in enumerate(entitlements, start=first):
            earned = journals.redemption(sale, legs, entitlement_id=entitlement_id, ordinal=ordinal)
            written.extend((earned,) if earned else ())
    await ledger.post(uow, books.accounts, written, now=now)
