"""Offline vouchers, and conflicts of what stores uploaded."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.inventory.domain.offline import Acceptance, Conflict, OfflineVoucher
from services.inventory.domain.redeeming import Till
from shared.database import UnitOfWork

_COLUMNS = "nonce, key_id, entitlement_id, partner_id, issued_at, expires_at"

_ADD = f"INSERT INTO offline_vouchers ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"  # noqa: S608  # constants

# One that was honoured stays used, also when that redemption was undone.
_LIVE = f"""
SELECT {_COLUMNS} FROM offline_vouchers WHERE entitlement_id = $1 AND expires_at > $2
  AND NOT EXISTS (SELECT FROM redemptions WHERE voucher_nonce = nonce)
ORDER BY expires_at DESC LIMIT 1
"""  # noqa: S608  # the names are the columns above

_FIND = f"SELECT {_COLUMNS} FROM offline_vouchers WHERE nonce = ANY($1::uuid[])"  # noqa: S608  # the columns above

_OUT = "SELECT entitlement_id FROM offline_vouchers WHERE entitlement_id = ANY($1::uuid[]) AND expires_at > $2"

_SETTLED = """
SELECT redemption_id, voucher_nonce, partner_id, store, terminal, cashier, redeemed_at, masked FROM redemptions
WHERE voucher_nonce = ANY($1::uuid[])
"""

_ADD_CONFLICTS = """
INSERT INTO redemption_conflicts (conflict_id, nonce, entitlement_id, partner_id, store, terminal, cashier, reason,
                                  accepted_at, recorded_at)
SELECT *, $10 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                          $9::timestamptz[])
ON CONFLICT (conflict_id) DO NOTHING
"""


async def add_voucher(uow: UnitOfWork, voucher: OfflineVoucher) -> None:
    await uow.raw.execute(
        _ADD,
        voucher.nonce,
        voucher.key_id,
        voucher.entitlement_id,
        voucher.partner_id,
        voucher.issued_at,
        voucher.expires_at,
    )


async def find_live_voucher(uow: UnitOfWork, entitlement_id: UUID, *, now: datetime) -> OfflineVoucher | None:
    """The voucher of this entitlement that can still be shown."""
    row = await uow.raw.fetchrow(_LIVE, entitlement_id, now)
    return None if row is None else OfflineVoucher(**row)


async def find_vouchers(uow: UnitOfWork, nonces: Sequence[UUID]) -> dict[UUID, OfflineVoucher]:
    """Offline vouchers by their nonce."""
    return {row["nonce"]: OfflineVoucher(**row) for row in await uow.raw.fetch(_FIND, nonces)}


async def find_vouchers_out(uow: UnitOfWork, entitlement_ids: Sequence[UUID], *, ended_after: datetime) -> set[UUID]:
    """Entitlements with a voucher that ended after that moment, or has not ended. Ask with them locked."""
    return {row["entitlement_id"] for row in await uow.raw.fetch(_OUT, entitlement_ids, ended_after)}


async def find_settled(uow: UnitOfWork, nonces: Sequence[UUID]) -> dict[UUID, tuple[UUID, str, Acceptance]]:
    """What was honoured by these vouchers: redemption id, masked code, and who accepted it. Ask with them locked."""
    return {
        row["voucher_nonce"]: (
            row["redemption_id"],
            row["masked"],
            Acceptance(
                nonce=row["voucher_nonce"],
                partner_id=row["partner_id"],
                till=Till(row["store"], row["terminal"], row["cashier"]),
                accepted_at=row["redeemed_at"],
            ),
        )
        for row in await uow.raw.fetch(_SETTLED, nonces)
    }


async def add_conflicts(uow: UnitOfWork, conflicts: Sequence[Conflict], *, now: datetime) -> None:
    """Write them down; one that is known stays as it is."""
    accepted = [conflict.acceptance for conflict in conflicts]
    await uow.raw.execute(
        _ADD_CONFLICTS,
        [conflict.conflict_id for conflict in conflicts],
        [entry.nonce for entry in accepted],
        [conflict.entitlement_id for conflict in conflicts],
        [entry.partner_id for entry in accepted],
        [entry.till.store for entry in accepted],
        [entry.till.terminal for entry in accepted],
        [entry.till.cashier for entry in accepted],
        [conflict.reason.value for conflict in conflicts],
        [entry.accepted_at for entry in accepted],
        now,
    )
