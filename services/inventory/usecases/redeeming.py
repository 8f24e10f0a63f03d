"""Honour what buyers present at a partner's tills, each once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.goods import FaceValue
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
from services.inventory.domain.vouchers import PREFIX, Voucher, VoucherExpiredError, VoucherUsedError
from services.inventory.repository import redemptions
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.vouchers import QR_LIFETIME, Shown, open_vouchers
from shared.clock import new_id
from shared.crypto import Keyring, Secret
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter

_REDEEMED = Counter("redemptions_total", "Codes honoured by partners", ["channel"])


@dataclass(frozen=True, slots=True)
class Presented:
    """What was shown at a till. `scanned` from a QR code it may be a voucher; typed, or printed so, it is the code."""

    text: Secret
    till: Till
    scanned: bool = False

    @property
    def is_voucher(self) -> bool:
        return self.scanned and self.text.reveal().startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class Honoured:
    """A redemption with the masked form of its code and, of a cash voucher, what it takes off the bill."""

    redemption: Redemption
    masked: str
    value: FaceValue | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """What it takes to make sense of codes and vouchers."""

    sealer: CardSealer
    keyring: Keyring

    def indexes(self, presented: Sequence[Presented]) -> list[bytes]:
        """The blind indexes of what was presented as codes."""
        texts = [entry.text.reveal() for entry in presented if not entry.is_voucher]
        return [index for index in map(self.sealer.find_index, texts) if index is not None]


_Claim = Voucher | bytes | RedeemRefusedError
"""What somebody claims: by a voucher, by a code's blind index, or wrongly."""


@dataclass(slots=True)
class _Found:
    """What the claims lead to, and what is used up so far."""

    by_id: Mapping[UUID, Redeemable]
    by_code: Mapping[bytes, Sequence[Redeemable]]
    used_nonces: set[UUID]
    taken: set[UUID] = field(default_factory=set)


async def redeem_one(
    uow: UnitOfWork, presented: Presented, *, reader: Reader, partner_id: UUID, now: datetime
) -> Honoured:
    """Honour one code or voucher.

    :raises RedeemRefusedError: it is not honoured; see `redeem_all` for why.
    """
    channel = RedemptionChannel.QR if presented.is_voucher else RedemptionChannel.CODE
    (outcome,) = await redeem_all(uow, [presented], channel=channel, reader=reader, partner_id=partner_id, now=now)
    if isinstance(outcome, RedeemRefusedError):
        raise outcome
    return outcome


async def redeem_all(
    uow: UnitOfWork,
    presented: Sequence[Presented],
    *,
    channel: RedemptionChannel,
    reader: Reader,
    partner_id: UUID,
    now: datetime,
) -> list[Honoured | RedeemRefusedError]:
    """Honour what was issued and is of this partner's brand; answers for each in its place.

    A code is refused as unknown (another brand's is as unknown as one that never was), redeemed before (also by an
    earlier place of this list), taken back, or expired; a voucher also as not ours, over, used, or another brand's.
    What is refused does not keep the others from being honoured.
    """
    claims = await _read(uow, presented, reader=reader, partner_id=partner_id, now=now)
    found = await _lock(uow, claims, partner_id=partner_id)
    honoured: list[tuple[Redeemable, Redemption]] = []
    outcomes: list[Honoured | RedeemRefusedError] = []
    for entry, claim in zip(presented, claims, strict=True):
        try:
            unit = _check(claim, found, now=now)
        except RedeemRefusedError as refusal:
            outcomes.append(refusal)
            continue
        nonce = claim.nonce if isinstance(claim, Voucher) else None
        redemption = Redemption(new_id(), partner_id, channel, entry.till, redeemed_at=now, voucher_nonce=nonce)
        honoured.append((unit, redemption))
        outcomes.append(Honoured(redemption, unit.masked, unit.value))
    await honour(uow, honoured, channel=channel, now=now)
    return outcomes


async def honour(
    uow: UnitOfWork, honoured: Sequence[tuple[Redeemable, Redemption]], *, channel: RedemptionChannel, now: datetime
) -> None:
    """Write and announce redemptions of locked entitlements that were found good."""
    if not honoured:
        return
    await redemptions.redeem(uow, honoured)
    announce(uow, *(events.card_redeemed(unit, redemption) for unit, redemption in honoured), now=now)
    uow.after_commit(lambda: _REDEEMED.labels(channel.value).inc(len(honoured)))


async def _read(
    uow: UnitOfWork, presented: Sequence[Presented], *, reader: Reader, partner_id: UUID, now: datetime
) -> list[_Claim]:
    scanned = [Shown(entry.text, now) for entry in presented if entry.is_voucher]
    opened = iter(await open_vouchers(uow, scanned, keyring=reader.keyring, partner_id=partner_id))
    return [next(opened) if entry.is_voucher else _claim_of(reader.sealer, entry.text) for entry in presented]


def _claim_of(sealer: CardSealer, code: Secret) -> bytes | CodeUnknownError:
    index = sealer.find_index(code.reveal())
    return CodeUnknownError("no code of yours is like that") if index is None else index


async def _lock(uow: UnitOfWork, claims: Sequence[_Claim], *, partner_id: UUID) -> _Found:
    vouchers = [claim for claim in claims if isinstance(claim, Voucher)]
    units = await redemptions.lock_presented(
        uow,
        code_indexes=[claim for claim in claims if isinstance(claim, bytes)],
        entitlement_ids=[voucher.entitlement_id for voucher in vouchers],
        partner_id=partner_id,
    )
    by_code: dict[bytes, list[Redeemable]] = defaultdict(list)
    for unit in units:
        if unit.code_index is not None and not unit.restocked:
            by_code[unit.code_index].append(unit)
    nonces = [voucher.nonce for voucher in vouchers]
    return _Found(
        by_id={unit.entitlement_id: unit for unit in units},
        by_code=by_code,
        used_nonces=await redemptions.find_used_nonces(uow, nonces) if nonces else set(),
    )


def _check(claim: _Claim, found: _Found, *, now: datetime) -> Redeemable:
    """The unit that the claim is good for; from now on it is taken."""
    if isinstance(claim, RedeemRefusedError):
        raise claim
    if isinstance(claim, Voucher):
        if claim.nonce in found.used_nonces:
            raise VoucherUsedError("this QR code was used before")
        unit = found.by_id.get(claim.entitlement_id)
    else:
        unit = _next_use(found.by_code.get(claim, ()), taken=found.taken)
    if unit is None:
        raise CodeUnknownError("no code of yours is like that")
    if unit.entitlement_id in found.taken:
        raise AlreadyRedeemedError("this code was redeemed before")
    if isinstance(claim, Voucher) and unit.facts.is_given_since(claim.expires_at - QR_LIFETIME):
        raise VoucherExpiredError("this QR code is over: what it is for was given to somebody")
    check_redeem(unit.facts, now=now)
    found.taken.add(unit.entitlement_id)
    if isinstance(claim, Voucher):
        found.used_nonces.add(claim.nonce)
    return unit


def _next_use(uses: Sequence[Redeemable], *, taken: Collection[UUID]) -> Redeemable | None:
    """Of the entitlements that share a code, one for each use of its card, the first that can be honoured, else the last."""
    for unit in uses:
        if unit.facts.state is EntitlementState.ACTIVE and unit.entitlement_id not in taken:
            return unit
    return uses[-1] if uses else None
