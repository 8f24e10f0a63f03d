"""Orders with suppliers: take those that are due, and make of the answers what the buyer gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.inventory import events
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import (
    Delivery,
    DeliveryState,
    RefundOrder,
    RefuseReason,
    RejectReason,
    check_move,
    reservation_of,
)
from services.inventory.domain.health import outcome_of
from services.inventory.domain.issuing import Entitlement
from services.inventory.domain.stock import ACCOUNT_FIELD, StockMoves
from services.inventory.domain.supply import (
    MOVES,
    OPEN_STATES,
    CardsMissingError,
    LeasedTask,
    SupplierOrder,
    Task,
    TaskNotOpenError,
    TaskState,
    TaskUnknownError,
    advance,
)
from services.inventory.repository import deliveries, entitlements, keys, stock, substitutes, supply
from services.inventory.usecases import bought, health, passing_on
from services.inventory.usecases.bought import Answered
from services.inventory.usecases.health import Call
from services.inventory.usecases.holds import buyer_fields_aad
from services.inventory.usecases.importing import CardSealer, SealedImport
from services.inventory.usecases.issuing import TASKS_CHANNEL, serve_instead
from services.inventory.usecases.revoking import announce_revoked, give_back_units, revoke
from services.inventory.usecases.suppliers import supplier_secret_aad
from shared.clock import new_id
from shared.crypto import Keyring, Secret, open_sealed
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.money import allocate
from shared.observability import Counter, get_logger

log = get_logger(__name__)

LEASE_FOR = timedelta(seconds=30)
"""A worker has this long for a call and its record; then another may ask. Longer than any call can take."""

RESOLVED_BY_HAND = "resolved_by_hand"

_ENDED = Counter("supplier_orders_ended_total", "Orders with suppliers that ended", ["state"])


@dataclass(slots=True)
class _Ending:
    """What ended tasks come to, gathered for statements over all of them."""

    moves: StockMoves
    issued: list[UUID] = field(default_factory=list)
    units: list[Entitlement] = field(default_factory=list)
    failed: list[Delivery] = field(default_factory=list)
    revoked: list[tuple[UUID, UUID]] = field(default_factory=list)
    arrived: list[tuple[SealedImport, Task, Delivery]] = field(default_factory=list)
    late_refunds: list[RefundOrder] = field(default_factory=list)


async def take_due_tasks(uow: UnitOfWork, *, limit: int, now: datetime) -> list[LeasedTask]:
    """Tasks to work on now, under a lease; those never sent count as sent once this is committed.

    New orders whose supplier's circuit is open are marked: they are not to be sent.
    """
    leased = await supply.lease_tasks(uow, now=now, until=now + LEASE_FOR, lease=new_id(), limit=limit)
    return await health.hold_back(uow, leased, now=now)


def open_order(leased: LeasedTask, *, keyring: Keyring) -> SupplierOrder:
    """What the call takes, with the secrets opened."""
    secret = open_sealed(
        keyring.unwrap(leased.secret_key), leased.secret_sealed, aad=supplier_secret_aad(leased.supplier_id)
    )
    return SupplierOrder(
        base_url=leased.base_url,
        merchant_id=leased.merchant_id,
        secret=Secret(secret.decode()),
        out_order_no=leased.out_order_no,
        supplier_sku=leased.supplier_sku,
        quantity=leased.quantity,
        account=_open_account(leased, keyring=keyring),
        cost_minor_max=leased.paid_minor if leased.guarded else None,
        wire=leased.wire,
        for_cards=leased.for_cards,
    )


def _open_account(leased: LeasedTask, *, keyring: Keyring) -> Secret:
    """Where a top-up goes; cards go nowhere."""
    if leased.fields_key is None or leased.fields_sealed is None:
        return Secret("")
    aad = buyer_fields_aad(leased.component_id)
    fields = orjson.loads(open_sealed(keyring.unwrap(leased.fields_key), leased.fields_sealed, aad=aad))
    return Secret(str(fields.get(ACCOUNT_FIELD, "")))


async def record_answers(uow: UnitOfWork, answered: Sequence[Answered], *, sealer: CardSealer, now: datetime) -> None:
    """Write down what calls taught. Of a lease that ran out nothing is written: whoever has it now will ask again."""
    answered = await bought.refuse_known_cards(uow, answered)
    locked = {
        delivery.component_id: delivery
        for delivery in await deliveries.lock_deliveries(uow, [entry.leased.component_id for entry in answered])
    }
    leases: dict[UUID, UUID | None] = {entry.leased.task.task_id: entry.leased.lease for entry in answered}
    tasks = await supply.lock_open_tasks(uow, leases)
    advanced: list[tuple[Task, Delivery]] = []
    for entry in answered:
        task = tasks.get(entry.leased.task.task_id)
        if task is None:
            log.warning("supplier.lease_lost", task_id=entry.leased.task.task_id)
            continue
        after = advance(task, step=entry.leased.step, answer=entry.answer, now=now)
        advanced.append((after, locked[entry.leased.component_id]))
    cards = {entry.leased.task.task_id: entry.cards for entry in answered if entry.cards}
    await _save(uow, advanced, cards, sealer=sealer, now=now)
    calls = [
        Call(entry.leased.supplier_id, outcome_of(entry.answer), entry.latency_ms)
        for entry in answered
        if not entry.leased.held_back
    ]
    await health.note_calls(uow, calls, now=now)


async def resolve_task(uow: UnitOfWork, task_id: UUID, *, delivered: bool, sealer: CardSealer, now: datetime) -> None:
    """An operator has found out what the supplier cannot or does not say.

    :raises TaskUnknownError: there is no such task.
    :raises TaskNotOpenError: its fate is known already, or it was not even sent and shall have been delivered.
    :raises CardsMissingError: cards shall have been delivered, but they are not here.
    """
    component_id = (await supply.find_components(uow, [task_id])).get(task_id)
    if component_id is None:
        raise TaskUnknownError(f"there is no supplier task {task_id}")
    (delivery,) = await deliveries.lock_deliveries(uow, [component_id])
    task = (await supply.lock_open_tasks(uow, {task_id: None})).get(task_id)
    if task is None:
        raise TaskNotOpenError("the task has ended")
    if delivered and delivery.kind is SkuKind.CARD_KEY:
        raise CardsMissingError("only the supplier's answer brings the cards")
    state = TaskState.SUCCEEDED if delivered else TaskState.FAILED
    if state not in MOVES[task.state]:
        raise TaskNotOpenError("the order was not sent to the supplier yet")
    ended = replace(task, state=state, last_reason=RESOLVED_BY_HAND, due_at=None)
    log.info("supplier.resolved_by_hand", task_id=task_id, state=state.value)
    await _save(uow, [(ended, delivery)], {}, sealer=sealer, now=now)


async def _save(
    uow: UnitOfWork,
    advanced: Sequence[tuple[Task, Delivery]],
    cards: Mapping[UUID, SealedImport],
    *,
    sealer: CardSealer,
    now: datetime,
) -> None:
    await supply.save_tasks(uow, [task for task, _ in advanced], now=now)
    passed_on = await passing_on.pass_on(uow, advanced, now=now)
    if passed_on:
        uow.after_commit(lambda: uow.database.ring(TASKS_CHANNEL))
    ended = [
        (task, delivery)
        for task, delivery in advanced
        if task.state not in OPEN_STATES and task.task_id not in passed_on
    ]
    if not ended:
        return
    ending = _Ending(moves=stock.stock_moves(uow))
    masks = await keys.find_masks(uow, [delivery.component_id for _, delivery in ended])
    names = await substitutes.find_delivered_names(uow, [delivery for _, delivery in ended])
    for task, delivery in ended:
        if task.state is TaskState.SUCCEEDED:
            goods = cards.get(task.task_id) or masks[delivery.component_id]
            _deliver(uow, ending, task, delivery, goods, name=names.get(delivery.component_id), now=now)
        else:
            _give_up(uow, ending, delivery, now=now)
    await _write(uow, ending, now=now)
    await _serve_instead(uow, ending.failed, sealer=sealer, now=now)
    uow.after_commit(lambda: _count(ended))


def _deliver(
    uow: UnitOfWork,
    ending: _Ending,
    task: Task,
    delivery: Delivery,
    goods: SealedImport | str,
    *,
    name: str | None,
    now: datetime,
) -> None:
    """The buyer has it: cards, or a top-up of the masked account. A refund that waited for a top-up comes too late; cards
    nobody has seen yet, and they are taken back.
    """
    check_move(delivery.state, DeliveryState.ISSUED)
    component = reservation_of(delivery)
    costs = allocate(task.cost_minor, [1] * component.quantity)
    things = [(None, goods, None)] * component.quantity if isinstance(goods, str) else _things(goods)
    units = [
        Entitlement(
            entitlement_id=new_id(),
            component_id=delivery.component_id,
            order_id=delivery.order_id,
            member_id=delivery.member_id,
            sku_id=delivery.sku_id,
            card_id=card_id,
            masked=masked,
            cost_minor=cost_minor,
            expires_at=expires_at,
        )
        for cost_minor, (card_id, masked, expires_at) in zip(costs, things, strict=True)
    ]
    ending.issued.append(delivery.component_id)
    ending.units.extend(units)
    said = events.card_issued(component, units, supplier_id=delivery.supplier_id, issued_at=now, name=name)
    announce(uow, said, now=now)
    if isinstance(goods, SealedImport):
        ending.arrived.append((goods, task, delivery))
    if delivery.refund_id is None:
        return
    if isinstance(goods, SealedImport):
        ending.late_refunds.append(_refund_of(delivery, delivery.refund_id))
        return
    reason = RefuseReason.TOPPED_UP
    announce(uow, events.card_revoke_refused(delivery, refund_id=delivery.refund_id, reason=reason), now=now)


def _things(sealed: SealedImport) -> list[tuple[UUID | None, str, datetime | None]]:
    return [(line.card.card_id, line.card.masked, line.card.expires_at) for line in sealed.lines]


def _give_up(uow: UnitOfWork, ending: _Ending, delivery: Delivery, *, now: datetime) -> None:
    """The supplier certainly has not delivered and will not: the units are free. Something else is delivered, or refunded."""
    check_move(delivery.state, DeliveryState.REJECTED if delivery.refund_id is None else DeliveryState.REVOKED)
    give_back_units(ending.moves, delivery)
    if delivery.refund_id is None:
        ending.failed.append(delivery)
        return
    ending.revoked.append((delivery.component_id, delivery.refund_id))
    announce_revoked(uow, _refund_of(delivery, delivery.refund_id), now=now)


async def _serve_instead(uow: UnitOfWork, failed: Sequence[Delivery], *, sealer: CardSealer, now: datetime) -> None:
    """What nothing stands in for is rejected: the order refunds it."""
    if not failed:
        return
    left = await serve_instead(uow, [reservation_of(delivery) for delivery in failed], sealer=sealer, now=now)
    rejected = [delivery for delivery in failed if delivery.component_id in left]
    if rejected:
        reason = RejectReason.SUPPLIER_FAILED
        await deliveries.reject_deliveries(uow, [(delivery.component_id, reason) for delivery in rejected])
        announce(uow, *(events.card_rejected(delivery, reason) for delivery in rejected), now=now)


def _refund_of(delivery: Delivery, refund_id: UUID) -> RefundOrder:
    return RefundOrder(
        component_id=delivery.component_id,
        order_id=delivery.order_id,
        sku_id=delivery.sku_id,
        member_id=delivery.member_id,
        amount_minor=delivery.amount_minor,
        currency=delivery.currency,
        refund_id=refund_id,
    )


async def _write(uow: UnitOfWork, ending: _Ending, *, now: datetime) -> None:
    for sealed, task, delivery in ending.arrived:
        await bought.store_cards(uow, sealed, supplier_id=delivery.supplier_id, cost_minor=task.cost_minor, now=now)
    if ending.issued:
        await deliveries.mark_issued(uow, ending.issued, now=now)
        await entitlements.give_entitlements(uow, ending.units, now=now)
    if ending.revoked:
        await deliveries.mark_revoked(uow, ending.revoked)
    if ending.late_refunds:
        await revoke(uow, ending.late_refunds, now=now)


def _count(ended: Sequence[tuple[Task, Delivery]]) -> None:
    for task, _ in ended:
        _ENDED.labels(task.state.value).inc()
