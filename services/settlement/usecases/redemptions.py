"""A redeemed card: what waited for it becomes payable, unit by unit; undone, it waits again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.settlement.domain import journals
from services.settlement.domain.journals import Journal, leg_of
from services.settlement.domain.split import Leg
from services.settlement.repository import ledger, redemptions
from services.settlement.repository.redemptions import Changed, Redemption
from services.settlement.usecases.books import Books
from shared.contracts import CardRedeemedV1, CardRedemptionUndoneV1
from shared.database import UnitOfWork


async def record_redemptions(
    uow: UnitOfWork, books: Books, redeemed: Sequence[CardRedeemedV1], *, now: datetime
) -> None:
    """Keep each redemption once; where the component is split, its part of the deferred shares is earned.

    Where it is not split yet, the split will find the redemption; where it was taken back, nothing is left to earn.

    :raises OverRedeemedError: more units are redeemed than the component has.
    """
    rows = [
        Redemption(
            event.redemption_id or event.entitlement_id,  # it was not always said
            event.entitlement_id,
            event.component_id,
            event.order_id,
            event.partner_id,
            event.redeemed_at,
        )
        for event in redeemed
    ]
    changed = await redemptions.add_redemptions(uow, rows, now=now)
    legs = await _legs(uow, changed)
    written: list[Journal | None] = []
    for sale, redeemed_units in changed.sold:
        new = changed.by_component[sale.component_id]
        for ordinal, redemption_id in enumerate(new, start=redeemed_units - len(new) + 1):
            shares = legs.get(sale.component_id, [])
            written.append(journals.redemption(sale, shares, redemption_id=redemption_id, ordinal=ordinal))
    await ledger.post(uow, books.accounts, [journal for journal in written if journal is not None], now=now)


async def record_undoings(
    uow: UnitOfWork, books: Books, undone: Sequence[CardRedemptionUndoneV1], *, now: datetime
) -> None:
    """Keep each undoing once; where the redemption had earned something, that waits for the next one.

    What it takes back is what the last of the units that were redeemed had earned, so that the rest of a division is
    always with a component that is redeemed whole, whichever unit was undone.
    """
    rows = [
        Redemption(
            event.redemption_id,
            event.entitlement_id,
            event.component_id,
            event.order_id,
            event.partner_id,
            event.undone_at,
        )
        for event in undone
    ]
    changed = await redemptions.add_undoings(uow, rows)
    legs = await _legs(uow, changed)
    written: list[Journal | None] = []
    for sale, redeemed_units in changed.sold:
        gone = changed.by_component[sale.component_id]
        for ordinal, redemption_id in enumerate(gone, start=redeemed_units + 1):
            shares = legs.get(sale.component_id, [])
            written.append(journals.redemption_undone(sale, shares, redemption_id=redemption_id, ordinal=ordinal))
    await ledger.post(uow, books.accounts, [journal for journal in written if journal is not None], now=now)


async def _legs(uow: UnitOfWork, changed: Changed) -> dict[UUID, list[Leg]]:
    """The shares of the components that are split."""
    component_ids = [component.sale.component_id for component in changed.sold]
    posted = await ledger.posted_splits(uow, component_ids) if component_ids else {}
    return {component_id: [leg_of(share.posting) for share in shares] for component_id, shares in posted.items()}
