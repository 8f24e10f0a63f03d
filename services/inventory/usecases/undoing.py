"""Undo a redemption: its entitlement can be used again, once."""

from datetime import datetime, timedelta
from uuid import UUID

from services.inventory import events
from services.inventory.domain.undoing import RedemptionUnknownError, Undo, check_undo
from services.inventory.repository import redemptions, undoing
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter, get_logger

log = get_logger(__name__)

_UNDONE = Counter("redemptions_undone_total", "Redemptions that were undone", ["by"])


async def undo_redemption(
    uow: UnitOfWork, redemption_id: UUID, undo: Undo, *, partner_id: UUID | None, within: timedelta, now: datetime
) -> None:
    """Undo one redemption, of this partner if one is named. `within` is the partners' time where the SKU sets none.

    The row stays, marked; a voucher that was honoured by it stays used.

    :raises RedemptionUnknownError: there is none, or it is another partner's, which is not told apart.
    :raises RedemptionUndoneError: it was undone before.
    :raises UndoRefusedError: its entitlement was taken back, or has expired.
    :raises UndoTooLateError: the partner's time is over.
    """
    entitlement_id = await undoing.find_entitlement(uow, redemption_id, partner_id=partner_id)
    if entitlement_id is None:
        raise RedemptionUnknownError(f"there is no redemption {redemption_id}")
    await redemptions.lock_unit(uow, entitlement_id)
    facts = await undoing.find_facts(uow, redemption_id)
    check_undo(facts, undo.by, within=within, now=now)
    await undoing.undo(uow, redemption_id, undo, now=now)
    announce(uow, events.card_redemption_undone(facts, undo, undone_at=now), now=now)
    log.info("redemption.undone", redemption_id=redemption_id, by=undo.by.value, subject=undo.subject)
    uow.after_commit(lambda: _UNDONE.labels(undo.by.value).inc())
