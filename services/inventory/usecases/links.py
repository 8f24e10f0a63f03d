"""One-tap links: made for owners, used up once before anything is shown."""

from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.inventory.domain.entitlements import (
    EntitlementRevokedError,
    EntitlementState,
    EntitlementUnknownError,
    GiftPendingError,
    NothingToRevealError,
)
from services.inventory.domain.links import (
    LINK_LIFETIME,
    Binding,
    Link,
    LinkInvalidError,
    read_link,
    sign_link,
    verify_link,
)
from services.inventory.domain.owners import Owner
from services.inventory.repository import links, vouchers
from services.inventory.usecases.vouchers import find_signing_key
from shared.clock import new_id
from shared.crypto import Keyring, Secret
from shared.database import UnitOfWork


async def make_link(
    uow: UnitOfWork, entitlement_id: UUID, *, owner: Owner, binding: Binding, keyring: Keyring, now: datetime
) -> tuple[Secret, Link]:
    """A token that shows the code once, to the same caller in the same session. Risk is asked when it is opened.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises EntitlementRevokedError: it was taken back.
    :raises GiftPendingError: it is being given away.
    :raises NothingToRevealError: it has no code.
    """
    benefit = await vouchers.find_benefit(uow, entitlement_id)
    if benefit is None or not owner.owns(member_id=benefit.member_id, order_id=benefit.order_id, given=benefit.given):
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    if benefit.state is EntitlementState.REVOKED:
        raise EntitlementRevokedError("this entitlement was taken back")
    if benefit.is_pending:
        raise GiftPendingError("this is being given away; cancel the gift to use it")
    if not benefit.has_card:
        raise NothingToRevealError("there is no code: it went to the buyer's account, or is shown as a QR code")
    key = await find_signing_key(uow, keyring=keyring, now=now)
    link = Link(key.key_id, new_id(), now + LINK_LIFETIME)
    await links.add_link(uow, link, entitlement_id=entitlement_id, binding=binding, now=now)
    return Secret(sign_link(link, Ed25519PrivateKey.from_private_bytes(keyring.unwrap(key.wrapped)))), link


async def use_link(uow: UnitOfWork, token: Secret, *, binding: Binding, keyring: Keyring, now: datetime) -> UUID:
    """The entitlement to be shown. Once this is committed the link is used up, also if risk then refuses.

    :raises LinkInvalidError: the link is not ours, is over, was used, or belongs to another session.
    """
    read = read_link(token.reveal())
    found = await vouchers.find_voucher_keys(uow, [read.link.key_id])
    keys = [Ed25519PrivateKey.from_private_bytes(keyring.unwrap(key.wrapped)).public_key() for key in found]
    link = verify_link(read, keys[0] if keys else None, now=now)
    entitlement_id = await links.use_link(uow, link.link_id, binding=binding, now=now)
    if entitlement_id is None:
        raise LinkInvalidError("this link is not good")
    return entitlement_id
