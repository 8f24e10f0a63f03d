"""Vouchers for stores without a network: made for owners, and settled when the store's list comes in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory.domain.offline import (
    OFFLINE_LIFETIME,
    Acceptance,
    Conflict,
    ConflictReason,
    OfflineVoucher,
    check_accepted_at,
    conflict_of,
)
from services.inventory.domain.owners import Owner
from services.inventory.domain.redeeming import (
    AlreadyRedeemedError,
    CodeExpiredError,
    CodeUnknownError,
    Redeemable,
    RedeemGiftError,
    RedeemRefusedError,
    RedeemRevokedError,
    Redemption,
    RedemptionChannel,
    Till,
    check_redeem,
)
from services.inventory.domain.vouchers import Voucher, VoucherInvalidError, VoucherKind, VoucherUsedError
from services.inventory.repository import offline, redemptions
from services.inventory.usecases.redeeming import Honoured, honour
from services.inventory.usecases.vouchers import (
    MadeVoucher,
    Shown,
    find_signing_key,
    open_vouchers,
    own_benefit,
    sign,
)
from shared.clock import new_id
from shared.crypto import Keyring, Secret
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)

_REASONS: Mapping[type[RedeemRefusedError], ConflictReason] = {
    AlreadyRedeemedError: ConflictReason.REDEEMED,
    VoucherUsedError: ConflictReason.ACCEPTED_TWICE,
    RedeemRevokedError: ConflictReason.TAKEN_BACK,
    CodeExpiredError: ConflictReason.EXPIRED,
    RedeemGiftError: ConflictReason.TAKEN_BACK,
}
"""Refusals of true vouchers that a store has already given goods for."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One line of a terminal's list."""

    text: Secret
    till: Till
    accepted_at: datetime


@dataclass(slots=True)
class _Found:
    units: Mapping[UUID, Redeemable]
    vouchers: Mapping[UUID, OfflineVoucher]
    settled: dict[UUID, tuple[UUID, str, Acceptance]]
    taken: set[UUID] = field(default_factory=set)


async def make_offline_voucher(
    uow: UnitOfWork, entitlement_id: UUID, *, owner: Owner, keyring: Keyring, now: datetime
) -> MadeVoucher:
    """A voucher for a day, or until the entitlement ends. While one is out, it is given again; no second one is made.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises NotRedeemableHereError: no partner honours it by QR code, or not any more.
    """
    await redemptions.lock_unit(uow, entitlement_id)
    partner_id, benefit = await own_benefit(uow, entitlement_id, owner=owner, now=now)
    kept = await offline.find_live_voucher(uow, entitlement_id, now=now)
    if kept is None or kept.partner_id != partner_id:
        ends_at = now + OFFLINE_LIFETIME
        expires_at = ends_at if benefit.expires_at is None else min(ends_at, benefit.expires_at)
        key = await find_signing_key(uow, keyring=keyring, now=now)
        kept = OfflineVoucher(new_id(), key.key_id, entitlement_id, partner_id, now, expires_at)
        await offline.add_voucher(uow, kept)
    voucher = Voucher(VoucherKind.OFFLINE, kept.key_id, entitlement_id, partner_id, kept.nonce, kept.expires_at)
    return MadeVoucher(await sign(uow, voucher, keyring=keyring), voucher)


async def settle_offline(
    uow: UnitOfWork, accepted: Sequence[Accepted], *, keyring: Keyring, partner_id: UUID, now: datetime
) -> list[Honoured | RedeemRefusedError]:
    """Honour what terminals accepted without a network; answers for each in its place. The first to arrive wins.

    A line that was settled before is answered the same again. A true voucher that cannot be honoured any more is
    refused and kept as a conflict for operators: the store has given its goods away.
    """
    shown = [Shown(entry.text, entry.accepted_at) for entry in accepted]
    opened = await open_vouchers(uow, shown, keyring=keyring, partner_id=partner_id)
    found = await _lock(uow, [claim for claim in opened if isinstance(claim, Voucher)], partner_id=partner_id)
    honoured: list[tuple[Redeemable, Redemption]] = []
    conflicts: list[Conflict] = []
    outcomes: list[Honoured | RedeemRefusedError] = []
    for entry, claim in zip(accepted, opened, strict=True):
        if isinstance(claim, RedeemRefusedError):
            outcomes.append(claim)
            continue
        acceptance = Acceptance(claim.nonce, partner_id, entry.till, entry.accepted_at)
        try:
            outcomes.append(_settle(claim, acceptance, found, honoured, now=now))
        except RedeemRefusedError as refusal:
            outcomes.append(refusal)
            reason = _REASONS.get(type(refusal))
            if reason is not None:
                conflicts.append(conflict_of(acceptance, entitlement_id=claim.entitlement_id, reason=reason))
    await honour(uow, honoured, channel=RedemptionChannel.OFFLINE, now=now)
    if conflicts:
        await offline.add_conflicts(uow, conflicts, now=now)
        log.warning("redemption.conflicts", partner_id=partner_id, conflicts=len(conflicts))
    return outcomes


async def _lock(uow: UnitOfWork, vouchers: Sequence[Voucher], *, partner_id: UUID) -> _Found:
    entitlement_ids = [voucher.entitlement_id for voucher in vouchers]
    units = await redemptions.lock_presented(
        uow, code_indexes=(), entitlement_ids=entitlement_ids, partner_id=partner_id
    )
    nonces = [voucher.nonce for voucher in vouchers]
    return _Found(
        units={unit.entitlement_id: unit for unit in units},
        vouchers=await offline.find_vouchers(uow, nonces),
        settled=await offline.find_settled(uow, nonces),
    )


def _settle(
    claim: Voucher,
    acceptance: Acceptance,
    found: _Found,
    honoured: list[tuple[Redeemable, Redemption]],
    *,
    now: datetime,
) -> Honoured:
    """:raises RedeemRefusedError: it cannot be honoured (any more)."""
    issued = found.vouchers.get(claim.nonce)
    if claim.kind is not VoucherKind.OFFLINE or issued is None:
        raise VoucherInvalidError("this QR code was not made to be accepted without a network")
    check_accepted_at(acceptance.accepted_at, issued_at=issued.issued_at, now=now)
    unit = found.units.get(claim.entitlement_id)
    settled = found.settled.get(claim.nonce)
    if settled is not None:
        redemption_id, masked, before = settled
        if before != acceptance:
            raise VoucherUsedError("this QR code was accepted elsewhere before")
        return Honoured(_redemption(redemption_id, acceptance), masked, unit.value if unit else None)
    if unit is None:
        raise CodeUnknownError("no code of yours is like that")
    if unit.entitlement_id in found.taken:
        raise AlreadyRedeemedError("this code was redeemed before")
    if unit.facts.is_given_since(issued.issued_at):
        raise RedeemRevokedError("what this QR code was for was given to somebody")
    check_redeem(unit.facts, now=acceptance.accepted_at)
    redemption = _redemption(new_id(), acceptance)
    found.taken.add(unit.entitlement_id)
    found.settled[claim.nonce] = (redemption.redemption_id, unit.masked, acceptance)
    honoured.append((unit, redemption))
    return Honoured(redemption, unit.masked, unit.value)


def _redemption(redemption_id: UUID, acceptance: Acceptance) -> Redemption:
    return Redemption(
        redemption_id,
        acceptance.partner_id,
        RedemptionChannel.OFFLINE,
        acceptance.till,
        redeemed_at=acceptance.accepted_at,
        voucher_nonce=acceptance.nonce,
    )
