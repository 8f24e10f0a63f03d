"""Keys that sign vouchers, and what a voucher has to know of its entitlement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.vouchers import Benefit
from services.inventory.repository.keys import DataKey, KeyPurpose
from services.inventory.repository.sources import has_claim
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_BENEFIT = f"""
SELECT unit.entitlement_id, unit.order_id, unit.member_id, unit.state, unit.expires_at,
       unit.card_id IS NOT NULL AS has_card, {has_claim("unit", "sku")} AND sku.redeemable_here AS redeemable_here, sku.partner_id,
       unit.given_at IS NOT NULL AS given, unit.gift_id IS NOT NULL AS is_pending
FROM entitlements unit JOIN skus sku ON sku.sku_id = unit.sku_id WHERE unit.entitlement_id = $1
"""  # noqa: S608  # composed of the table of kinds

_KEYS = "SELECT key_id, kek_version, wrapped FROM data_keys WHERE purpose = $1 AND key_id = ANY($2::uuid[])"

_RECENT = """
SELECT key_id, kek_version, wrapped, created_at FROM data_keys WHERE purpose = $1
ORDER BY created_at DESC, key_id DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class VoucherKey:
    """A key that signs vouchers, with its age."""

    key: DataKey
    made_at: datetime


async def find_benefit(uow: UnitOfWork, entitlement_id: UUID) -> Benefit | None:
    row = await uow.raw.fetchrow(_BENEFIT, entitlement_id)
    if row is None:
        return None
    return Benefit(**{**row, "state": EntitlementState(row["state"])})


async def find_recent_keys(uow: UnitOfWork, *, limit: int) -> list[VoucherKey]:
    """Keys that sign vouchers, the newest first."""
    rows = await uow.raw.fetch(_RECENT, KeyPurpose.VOUCHER, limit)
    return [
        VoucherKey(DataKey(row["key_id"], WrappedKey(row["kek_version"], row["wrapped"])), row["created_at"])
        for row in rows
    ]


async def find_voucher_keys(uow: UnitOfWork, key_ids: Sequence[UUID]) -> list[DataKey]:
    """Those of the keys that sign vouchers: no other key's id in a QR code leads anywhere."""
    rows = await uow.raw.fetch(_KEYS, KeyPurpose.VOUCHER, key_ids)
    return [DataKey(row["key_id"], WrappedKey(row["kek_version"], row["wrapped"])) for row in rows]
