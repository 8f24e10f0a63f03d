"""Honour codes at a partner, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.redeeming import (
    AlreadyRedeemedError,
    CodeUnknownError,
    Redeemable,
    RedeemRefusedError,
    Redemption,
    RedemptionChannel,
    Till,
    check_redeem,
)
from services.inventory.repository import redemptions
from services.inventory.usecases.importing import CardSealer
from shared.clock import new_id
from shared.crypto import Secret
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter

_REDEEMED = Counter("redemptions_total", "Codes honoured by partners", ["channel"])


@dataclass(frozen=True, slots=True)
class Presented:
    """A code shown at a till."""

    code: Secret
    till: Till


@dataclass(frozen=True, slots=True)
class Honoured:
    """A redemption with the masked form of its code."""

    redemption: Redemption
    masked: str


async def redeem_one(
    uow: UnitOfWork,
    presented: Presented,
    *,
    channel: RedemptionChannel,
    sealer: CardSealer,
    partner_id: UUID,
    now: datetime,
) -> Honoured:
    """Honour one code.

    :raises RedeemRefusedError: it is not honoured; see `redeem_all` for why.
    """
    (outcome,) = await redeem_all(uow, [presented], channel=channel, sealer=sealer, partner_id=partner_id, now=now)
    if isinstance(outcome, RedeemRefusedError):
        raise outcome
    return outcome


async def redeem_all(
    uow: UnitOfWork,
    presented: Sequence[Presented],
    *,
    channel: RedemptionChannel,
    sealer: CardSealer,
    partner_id: UUID,
    now: datetime,
) -> list[Honoured | RedeemRefusedError]:
    """Honour codes of cards that were issued and are of this partner's brand; answers for each in its place.

    A code is refused as unknown (another brand's is as unknown as one that never was), redeemed before (also by an
    earlier place of this list), taken back, or expired. What is refused does not keep the others from being honoured.
    """
    indexes = [_index(sealer, entry.code) for entry in presented]
    wanted = sorted({index for index in indexes if index is not None})
    found = await redemptions.lock_by_codes(uow, wanted, partner_id=partner_id)
    honoured: list[tuple[Redeemable, Redemption]] = []
    taken: set[UUID] = set()
    outcomes: list[Honoured | RedeemRefusedError] = []
    for entry, index in zip(presented, indexes, strict=True):
        unit = None if index is None else found.get(index)
        try:
            redeemable = _check(unit, taken, now=now)
        except RedeemRefusedError as refusal:
            outcomes.append(refusal)
            continue
        taken.add(redeemable.entitlement_id)
        redemption = Redemption(new_id(), partner_id, channel, entry.till, redeemed_at=now)
        honoured.append((redeemable, redemption))
        outcomes.append(Honoured(redemption, redeemable.masked))
    if honoured:
        await redemptions.redeem(uow, honoured)
        announce(uow, *(events.card_redeemed(unit, redemption) for unit, redemption in honoured), now=now)
        uow.after_commit(lambda: _REDEEMED.labels(channel.value).inc(len(honoured)))
    return outcomes


def _index(sealer: CardSealer, code: Secret) -> bytes | None:
    """The code's blind index; None: nothing of it is left when separators are taken away."""
    try:
        return sealer.index(code.reveal().strip())
    except ValueError:
        return None


def _check(unit: Redeemable | None, taken: set[UUID], *, now: datetime) -> Redeemable:
    if unit is None:
        raise CodeUnknownError("no code of yours is like that")
    if unit.entitlement_id in taken:
        raise AlreadyRedeemedError("this code was redeemed before")
    check_redeem(unit.facts, now=now)
    return unit
