"""Promise stock to orders at checkout, and end the promises that are not needed any more."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.inventory.domain.cards import mask_account
from services.inventory.domain.stock import ACCOUNT_FIELD, HoldDecision, HoldRequest, decide_holds, needed_fields
from services.inventory.repository import keys, stock
from services.inventory.repository.keys import DataKey, KeyPurpose, SealedFields
from shared.clock import new_id
from shared.crypto import Keyring, new_dek, seal
from shared.database import UnitOfWork

KEY_LIFETIME = timedelta(days=1)
"""A data key for buyers' fields is used this long; the next one starts anew."""


async def hold(
    uow: UnitOfWork, requests: Sequence[HoldRequest], *, keyring: Keyring, now: datetime
) -> list[HoldDecision]:
    """Hold the stock of many orders at once, fair by arrival: each order gets all that it wants or an error.

    An order that holds already keeps what it has, and is answered as held.
    """
    sku_ids = {component.sku_id for request in requests for component in (*request.components, *request.caps)}
    free = await stock.lock_stock(uow, list(sku_ids))
    requests = [request.with_caps(free) for request in requests]
    top_ups = await stock.find_top_ups(uow, list(sku_ids))
    held = await stock.find_held_orders(uow, [request.order_id for request in requests])
    fresh: dict[UUID, HoldRequest] = {}
    for request in requests:
        if request.order_id not in held:
            fresh.setdefault(request.order_id, request)
    decisions = dict(zip(fresh, decide_holds(list(fresh.values()), free=free, top_ups=top_ups), strict=True))
    granted = [request for order_id, request in fresh.items() if decisions[order_id] is None]
    if granted:
        await stock.add_holds(uow, granted)
        await _keep_buyer_fields(uow, granted, top_ups=top_ups, keyring=keyring, now=now)
    return [decisions.get(request.order_id) for request in requests]


async def release_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> None:
    """These orders will not be paid: whatever they hold can be sold to others."""
    await stock.take_holds_of_orders(uow, order_ids)


async def release_expired(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """End holds whose time is over, at most `limit`; answers how many."""
    return await stock.take_expired_holds(uow, now=now, limit=limit)


async def keep_for_review(uow: UnitOfWork, until: Mapping[UUID, datetime]) -> None:
    """These orders are paid and wait for a reviewer: their stock waits with them."""
    await stock.extend_holds(uow, until)


def buyer_fields_aad(component_id: UUID) -> bytes:
    """What binds sealed buyer fields to their component."""
    return f"v1|buyer-fields|{component_id}".encode()


async def _keep_buyer_fields(
    uow: UnitOfWork,
    requests: Sequence[HoldRequest],
    *,
    top_ups: Collection[UUID],
    keyring: Keyring,
    now: datetime,
) -> None:
    """Seal what buyers told us for goods that ask for it; what others do not need is not kept."""
    told = [
        (request.order_id, component)
        for request in requests
        for component in request.components
        if component.buyer_fields
    ]
    if not told:
        return
    asked = await stock.find_asked(uow, [component.sku_id for _, component in told])
    kept = [
        (order_id, component, wanted)
        for order_id, component in told
        if (wanted := needed_fields(component, asked=asked.get(component.sku_id), top_up=component.sku_id in top_ups))
    ]
    if not kept:
        return
    key = await _buyer_fields_key(uow, keyring=keyring, now=now)
    dek = keyring.unwrap(key.wrapped)
    fields = [
        SealedFields(
            component_id=component.component_id,
            order_id=order_id,
            sealed=seal(dek, orjson.dumps(wanted), aad=buyer_fields_aad(component.component_id)),
            masked=mask_account(wanted.get(ACCOUNT_FIELD, "")),
        )
        for order_id, component, wanted in kept
    ]
    await keys.add_buyer_fields(uow, fields, key_id=key.key_id, now=now)


async def _buyer_fields_key(uow: UnitOfWork, *, keyring: Keyring, now: datetime) -> DataKey:
    key = await keys.find_latest_key(uow, purpose=KeyPurpose.BUYER_FIELDS, made_after=now - KEY_LIFETIME)
    if key is None:
        key = DataKey(new_id(), keyring.wrap(new_dek()))
        await keys.add_key(uow, key, purpose=KeyPurpose.BUYER_FIELDS, now=now)
    return key
