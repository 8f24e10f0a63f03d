"""Honour a code at a partner, once."""

from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.entitlements import CodeUnknownError, Redemption, check_redeem
from services.inventory.repository import entitlements
from services.inventory.usecases.importing import CardSealer
from shared.clock import new_id
from shared.crypto import Secret
from shared.database import UnitOfWork
from shared.messaging import announce


async def redeem_code(
    uow: UnitOfWork, code: Secret, *, sealer: CardSealer, partner_id: UUID, store: str | None, now: datetime
) -> tuple[Redemption, str]:
    """Honour the code of a card that was issued and is of this partner's brand; answers its masked form too.

    :raises CodeUnknownError: there is none; another brand's code is as unknown as one that never was.
    :raises AlreadyRedeemedError: it was honoured before.
    :raises RedeemRevokedError: it was taken back.
    :raises CodeExpiredError: its time is over.
    """
    code_index = sealer.find_index(code.reveal())
    if code_index is None:
        raise CodeUnknownError("no code of yours is like that")
    unit = await entitlements.lock_by_code(uow, code_index=code_index, partner_id=partner_id)
    if unit is None:
        raise CodeUnknownError("no code of yours is like that")
    check_redeem(unit.facts, now=now)
    redemption = Redemption(redemption_id=new_id(), partner_id=partner_id, store=store, redeemed_at=now)
    await entitlements.redeem(uow, unit, redemption)
    announce(uow, events.card_redeemed(unit, redemption), now=now)
    return redemption, unit.masked
