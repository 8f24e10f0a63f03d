"""Promise stock to orders at checkout, and end the promises that are not needed any more."""

from collections.abc import Collection, Sequence
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
from shared.observability import Counter, get_logger

KEY_LIFETIME = timedelta(days=1)
"""A data key for buyers' fields is used this long; the next one starts anew."""

KEPT_FOR = timedelta(minutes=10)
"""A hold past its time whose order lives ends by what is on its way to us. This is when it is asked about again."""

log = get_logger(__name__)

_OVERDUE = Counter("holds_overdue_total", "Orders whose hold was past its time, by what became of it", ["outcome"])


async def hold(
    uow: UnitOfWork, requests: Sequence[HoldRequest], *, keyring: Keyring, now: datetime
) -> list[HoldDecision]:
    """Hold the stock of many orders at once, fair by arrival: each order gets all that it wants or an error.

    An order that holds already keeps what it has, for as long as is wanted now, and is answered as held.
    """
    sku_ids = {component.sku_id for request in requests for component in (*request.components, *request.caps)}
    free = await stock.lock_stock(uow, list(sku_ids))
    requests = [request.with_caps(free) for request in requests]
    needs = await stock.find_needs(uow, list(sku_ids))
    held = await stock.find_held_orders(uow, [request.order_id for request in requests])
    fresh: dict[UUID, HoldRequest] = {}
    for request in requests:
        if request.order_id not in held:
            fresh.setdefault(request.order_id, request)
    decisions = dict(zip(fresh, decide_holds(list(fresh.values()), free=free, needs=needs), strict=True))
    granted = [request for order_id, request in fresh.items() if decisions[order_id] is None]
    if held:
        await stock.extend_holds(uow, [request for request in requests if request.order_id in held])
    if granted:
        await stock.add_holds(uow, granted)
        await _keep_buyer_fields(uow, granted, needs=needs, keyring=keyring, now=now)
    return [decisions.get(request.order_id) for request in requests]


async def release_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> None:
    """These orders will not be paid: whatever they hold can be sold to others."""
    await stock.take_holds_of_orders(uow, order_ids)


async def find_overdue(uow: UnitOfWork, *, now: datetime, limit: int) -> list[UUID]:
    """Orders with a hold whose time is over, those first that are over for longest."""
    return await stock.find_overdue_orders(uow, now=now, limit=limit)


async def end_overdue(uow: UnitOfWork, order_ids: Sequence[UUID], *, live: Collection[UUID], now: datetime) -> None:
    """End the holds of these orders whose time is over, but not of the `live` ones, which are paid or can still be paid.

    Theirs end by an event that is on its way, however long it takes. A hold that was made longer since is left alone.
    """
    gone = [order_id for order_id in order_ids if order_id not in live]
    await stock.take_overdue_holds(uow, gone, now=now)
    await stock.postpone_overdue_holds(uow, list(live), now=now, until=now + KEPT_FOR)
    uow.after_commit(lambda: _note_overdue(ended=len(gone), kept=len(live)))


def note_unanswered(order_ids: Sequence[UUID], *, reason: str) -> None:
    """Order did not say how these orders stand: nothing is ended."""
    _OVERDUE.labels("unanswered").inc(len(order_ids))
    log.warning("holds.order_silent", orders=len(order_ids), reason=reason)


def buyer_fields_aad(component_id: UUID) -> bytes:
    """What binds sealed buyer fields to their component."""
    return f"v1|buyer-fields|{component_id}".encode()


def _note_overdue(*, ended: int, kept: int) -> None:
    _OVERDUE.labels("ended").inc(ended)
    _OVERDUE.labels("kept").inc(kept)
    if ended:
        log.info("holds.expired", orders=ended)
    if kept:
        log.warning("holds.kept_past_their_time", orders=kept)


async def _keep_buyer_fields(
    uow: UnitOfWork,
    requests: Sequence[HoldRequest],
    *,
    needs: Collection[UUID],
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
        if (wanted := needed_fields(component, asked=asked.get(component.sku_id), top_up=component.sku_id in needs))
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
