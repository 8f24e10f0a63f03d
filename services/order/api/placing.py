"""From a priced draft to a written order: limits counted, stock held, risk asked. Whatever fails on the way is given back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.order.api.desk import Desk
from services.order.domain.buyer_fields import check_told
from services.order.domain.checkouts import NewOrder, SealedContact, Verdict, accept
from services.order.domain.contacts import Contact
from services.order.domain.limits import takings_of
from services.order.domain.pricing import Quote
from services.order.queries.orders import checkout_answer
from services.order.usecases.checkout import AlreadyPlacedError, placement, seal_contact
from services.order.usecases.limits import drop_limits, take_limits
from shared.clock import business_day
from shared.database import TransientDatabaseError
from shared.http import Identity, Problem, ServiceUnavailableError


@dataclass(frozen=True, slots=True)
class Attempt:
    """One checkout under way: its key, whose it is, and what was told with each line.

    `buyers` are the names under which purchase limits count it. `judged`: risk is asked.
    """

    caller: Identity
    key: str
    told: Sequence[Mapping[str, str]]
    buyers: tuple[str, ...]
    contact: Contact | None = None
    judged: bool = True


def check_fields(quoted: Quote, told: Sequence[Mapping[str, str]]) -> None:
    """Whether what was told is what the goods ask for.

    :raises BuyerFieldsError: it is not.
    """
    check_told(zip([line.offer.asked for line in quoted.lines], told, strict=True))


async def place_draft(desk: Desk, attempt: Attempt, draft: NewOrder, *, now: datetime) -> NewOrder:
    """Count limits, hold, judge and write.

    :raises AlreadyPlacedError: somebody who took this checkout over wrote the order.
    :raises PurchaseLimitError: the buyer would have more than one may.
    :raises Problem: 403 `risk.denied`.
    """
    takings = takings_of(draft, desk.catalogue.offers, buyers=attempt.buyers, day=business_day(now))
    if not takings:
        return await _place(desk, attempt, draft)
    async with desk.database.begin() as uow:
        await take_limits(uow, takings, now=now)
    try:
        return await _place(desk, attempt, draft)
    except AlreadyPlacedError:
        raise
    except TransientDatabaseError:
        raise  # it may be written: what is counted for no order is forgotten by a job
    except Exception:
        async with desk.database.begin() as uow:
            await drop_limits(uow, draft.order.order_id)
        raise


async def _place(desk: Desk, attempt: Attempt, draft: NewOrder) -> NewOrder:
    order_id = draft.order.order_id
    verdict = await _hold_and_judge(desk, attempt, draft)
    new = accept(draft, verdict=verdict, contact=_sealed(desk, attempt.contact, order_id))
    try:
        await desk.hot.placements.submit(placement(new, caller=attempt.caller.caller, key=attempt.key))
    except AlreadyPlacedError:
        raise
    except TransientDatabaseError:
        await _give_back_unless_placed(desk, order_id)
        raise
    except BaseException:
        await desk.holds.give_back(order_id)
        raise
    return new


async def _hold_and_judge(desk: Desk, attempt: Attempt, draft: NewOrder) -> Verdict:
    """Ask inventory and risk at the same time.

    :raises Problem: 403 `risk.denied`.
    """
    judging = asyncio.create_task(_judge(desk, attempt, draft))
    fields = {line.line_id: told for line, told in zip(draft.lines, attempt.told, strict=True) if told}
    try:
        offers = desk.catalogue.offers
        capped = {line.sku_id for line in draft.lines if line.sku_id in offers and offers[line.sku_id].stock_capped}
        await desk.holds.hold(draft, buyer_fields=fields, capped=capped)
    except BaseException as error:
        judging.cancel()
        if isinstance(error, ServiceUnavailableError | asyncio.CancelledError):
            await desk.holds.give_back(draft.order.order_id)  # it may have been made
        raise
    try:
        verdict = await judging
    except BaseException:
        await desk.holds.give_back(draft.order.order_id)
        raise
    if verdict.decision == "deny":
        await desk.holds.give_back(draft.order.order_id)
        raise Problem(403, "risk.denied", "The order was refused", "this order cannot be taken")
    return verdict


async def _judge(desk: Desk, attempt: Attempt, draft: NewOrder) -> Verdict:
    """Risk knows people. What a reseller may spend its account says; its address is no buyer's."""
    return await desk.risk.judge(draft, caller=attempt.caller) if attempt.judged else Verdict("allow", None)


async def _give_back_unless_placed(desk: Desk, order_id: UUID) -> None:
    """The connection broke while the order was written: only the table knows whether it was."""
    try:
        async with desk.database.read() as uow:
            placed = await checkout_answer(uow, order_id)
    except TransientDatabaseError:
        return  # not to be known now: the hold ends by itself
    if placed is None:
        await desk.holds.give_back(order_id)


def _sealed(desk: Desk, contact: Contact | None, order_id: UUID) -> SealedContact | None:
    return None if contact is None else seal_contact(desk.keyring, contact, order_id=order_id)
