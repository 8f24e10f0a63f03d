"""Who comes to an event, and that they came: for operators at a door without a partner's till."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson

from services.inventory.domain.attendance import ATTENDEES_MAX, Attendee, AttendeesTooManyError
from services.inventory.domain.entitlements import EntitlementUnknownError
from services.inventory.domain.redeeming import Redemption, RedemptionChannel, Till, check_redeem
from services.inventory.domain.vouchers import check_voucher_allowed
from services.inventory.repository import attendance, redemptions, shipping, vouchers
from services.inventory.repository.attendance import SealedAttendee
from services.inventory.usecases.holds import buyer_fields_aad
from services.inventory.usecases.redeeming import Honoured, honour
from shared.clock import new_id
from shared.crypto import Keyring, open_sealed
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)


async def read_attendees(
    uow: UnitOfWork, sku_id: UUID, *, operator: str, keyring: Keyring, now: datetime
) -> list[Attendee]:
    """Who has a seat, by seat, with what they told. Who asked for how many is kept.

    :raises AttendeesTooManyError: there are more than one file may hold.
    """
    found = await attendance.find_attendees(uow, sku_id, limit=ATTENDEES_MAX + 1)
    if len(found) > ATTENDEES_MAX:
        raise AttendeesTooManyError(f"a file holds at most {ATTENDEES_MAX} attendees")
    await shipping.note_read(uow, operator=operator, what="attendees", buyers=len(found), now=now)
    log.info("attendees.read", operator=operator, sku_id=sku_id, attendees=len(found))
    return [Attendee(entry.entitlement_id, entry.seat, entry.state, _open(entry, keyring=keyring)) for entry in found]


async def check_in(uow: UnitOfWork, entitlement_id: UUID, *, till: Till, now: datetime) -> Honoured:
    """Somebody was let in, on behalf of the brand: redeemed like at its till, once.

    :raises EntitlementUnknownError: there is no such entitlement.
    :raises NotRedeemableHereError: no partner honours it, or it was redeemed, taken back, or is over.
    :raises RedeemRefusedError: it was redeemed or taken back at this very moment.
    """
    benefit = await vouchers.find_benefit(uow, entitlement_id)
    if benefit is None:
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    partner_id = check_voucher_allowed(benefit, now=now)
    (unit,) = await redemptions.lock_presented(
        uow, code_indexes=[], entitlement_ids=[entitlement_id], partner_id=partner_id
    )
    check_redeem(unit.facts, now=now)
    channel = RedemptionChannel.OPERATOR
    redemption = Redemption(new_id(), partner_id, channel, till, redeemed_at=now)
    await honour(uow, [(unit, redemption)], channel=channel, now=now)
    return Honoured(redemption, unit.masked, unit.value)


def _open(entry: SealedAttendee, *, keyring: Keyring) -> Mapping[str, str]:
    if entry.sealed is None or entry.key is None:
        return {}
    aad = buyer_fields_aad(entry.component_id)
    fields: dict[str, str] = orjson.loads(open_sealed(keyring.unwrap(entry.key), entry.sealed, aad=aad))
    return fields
