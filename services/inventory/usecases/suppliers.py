"""Who supplies what, at which cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.catalogue import SkuUnknownError
from services.inventory.domain.supply import SupplierNameTakenError, SupplierOffer, SupplierUnknownError
from services.inventory.repository import keys, supply
from services.inventory.repository.keys import DataKey, KeyPurpose
from services.inventory.repository.supply import NewSupplier
from shared.clock import new_id
from shared.crypto import Keyring, Secret, new_dek, seal
from shared.database import UnitOfWork, violated


async def add_supplier(
    uow: UnitOfWork,
    *,
    name: str,
    base_url: str,
    merchant_id: str,
    secret: Secret,
    offers: Sequence[SupplierOffer],
    keyring: Keyring,
    now: datetime,
    wire: Mapping[str, object] | None = None,
) -> UUID:
    """Write a supplier down; the secret that signs our calls is kept sealed. `wire`: how it is spoken to, if not as we would.

    :raises SupplierNameTakenError: another one has the name.
    :raises SkuUnknownError: an offer is for a SKU that does not exist.
    """
    supplier_id = new_id()
    key_id, sealed = await _seal_secret(uow, supplier_id, secret, keyring=keyring, now=now)
    supplier = NewSupplier(supplier_id, name, base_url, merchant_id, key_id, sealed, wire)
    try:
        await supply.add_supplier(uow, supplier, now=now)
    except asyncpg.UniqueViolationError as error:
        if violated(error) != "uq_suppliers_name":
            raise
        raise SupplierNameTakenError(f"there is a supplier {name!r} already") from None
    await map_skus(uow, supplier_id, offers)
    return supplier_id


async def change_supplier(
    uow: UnitOfWork,
    supplier_id: UUID,
    *,
    base_url: str | None,
    active: bool | None,
    secret: Secret | None,
    wire: Mapping[str, object] | None,
    low_balance_minor: int | None,
    keyring: Keyring,
    now: datetime,
) -> None:
    """Move a supplier, describe how it is spoken to, stop and resume buying from it, sign by another secret. What is not given stays.

    :raises SupplierUnknownError: there is no such supplier.
    """
    if not await supply.change_supplier(
        uow, supplier_id, base_url=base_url, active=active, wire=wire, low_balance_minor=low_balance_minor
    ):
        raise SupplierUnknownError(f"there is no supplier {supplier_id}")
    if secret is not None:
        key_id, sealed = await _seal_secret(uow, supplier_id, secret, keyring=keyring, now=now)
        await supply.change_secret(uow, supplier_id, key_id=key_id, secret_sealed=sealed)


async def map_skus(uow: UnitOfWork, supplier_id: UUID, offers: Sequence[SupplierOffer]) -> None:
    """Add or replace what a supplier calls our SKUs, and what they cost.

    :raises SupplierUnknownError: there is no such supplier.
    :raises SkuUnknownError: there is no such SKU.
    """
    try:
        await supply.map_skus(uow, supplier_id, offers)
    except asyncpg.ForeignKeyViolationError as error:
        if violated(error) == "fk_supplier_skus_supplier_id":
            raise SupplierUnknownError(f"there is no supplier {supplier_id}") from None
        raise SkuUnknownError("an offer is for a SKU that does not exist") from None


def supplier_secret_aad(supplier_id: UUID) -> bytes:
    """What binds a sealed secret to its supplier."""
    return f"v1|supplier-secret|{supplier_id}".encode()


async def _seal_secret(
    uow: UnitOfWork, supplier_id: UUID, secret: Secret, *, keyring: Keyring, now: datetime
) -> tuple[UUID, bytes]:
    dek = new_dek()
    key = DataKey(new_id(), keyring.wrap(dek))
    await keys.add_key(uow, key, purpose=KeyPurpose.SUPPLIER_SECRET, now=now)
    return key.key_id, seal(dek, secret.reveal().encode(), aad=supplier_secret_aad(supplier_id))
