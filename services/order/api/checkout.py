"""New orders: priced from memory, held and judged by the neighbours, then written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.order.api.baskets import check_basket, refuse_unoffered, wanted_lines
from services.order.api.desk import Desk, OrderDesk, RawBody
from services.order.api.orders import NEW_ORDER_ETAG
from services.order.clients.neighbours import Verdict
from services.order.domain.buyer_fields import BuyerField, check_told
from services.order.domain.checkouts import ClaimWanted, NewOrder, SealedContact, accept, draft_order
from services.order.domain.contacts import Contact, ContactError, contact_of
from services.order.domain.limits import buyers_of, takings_of
from services.order.domain.offers import Offer
from services.order.domain.pricing import WantedLine, check_expected, check_gates, price
from services.order.queries.orders import checkout_answer, finished_checkout
from services.order.schemas.checkout import AdjustmentOut, CheckoutIn, CheckoutOut
from services.order.usecases.changes import OrderNotFoundError
from services.order.usecases.checkout import (
    AlreadyPlacedError,
    Claimed,
    KeyReusedError,
    new_order_number,
    placement,
    seal_contact,
)
from services.order.usecases.limits import drop_limits, take_limits
from shared.clock import business_day, new_id, utc_now
from shared.database import TransientDatabaseError
from shared.http import Caller, IdempotencyKey, Identity, Problem, Role, ServiceUnavailableError, request_hash
from shared.http.guest_tokens import sign_guest_token
from shared.http.idempotency import REPLAYED

GUEST_TOKEN_LIFE = timedelta(days=180)
"""How long after checkout a guest's token opens the order."""

_BUYERS = frozenset({Role.BUYER, Role.GUEST, Role.ANONYMOUS})

router = APIRouter(tags=["orders"])


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One checkout under way: its key, whose it is, and what was asked for."""

    caller: Identity
    key: str
    request_hash: bytes
    body: CheckoutIn
    contact: Contact | None

    @property
    def wanted(self) -> list[WantedLine]:
        return wanted_lines(self.body)

    @property
    def scope(self) -> str:
        return self.caller.caller


@router.post("/v1/orders", status_code=201, response_model=CheckoutOut)
async def place_order(raw: RawBody, body: CheckoutIn, caller: Caller, key: IdempotencyKey, desk: OrderDesk) -> Response:
    """Order a basket. Its price, shares and stock are locked until `pay_before`; a free order is paid at once."""
    if caller.role not in _BUYERS:
        raise Problem(403, "auth.forbidden", "Not allowed", "only buyers and guests order")
    refuse_unoffered(body)
    contact = None if caller.member_id is not None else _contact(body)
    hashed = request_hash("POST", "/v1/orders", raw)
    attempt = _Attempt(caller, key, hashed, body, contact)
    try:
        await check_basket(desk, attempt.wanted)
    except Exception:
        finished = await _finished(desk, attempt)
        if finished is None:
            raise
        return await _answer_again(desk, finished)
    claim = await desk.hot.claims.submit(
        ClaimWanted(attempt.scope, key, hashed, order_id=new_id(), member_id=caller.member_id)
    )
    if not isinstance(claim, Claimed):
        return await _answer_again(desk, claim.order_id)
    try:
        new = await _order(desk, attempt, claim)
    except AlreadyPlacedError:
        return await _answer_again(desk, claim.order_id)
    except BaseException:
        await desk.hot.releases.submit((attempt.scope, key, claim.order_id))
        raise
    return _answer(desk, _created(new), replayed=False)


async def _order(desk: Desk, attempt: _Attempt, claim: Claimed) -> NewOrder:
    """Price, hold, judge and write. Whatever was held is given back when the order does not come about."""
    now = utc_now()
    offers = desk.catalogue.offers
    check_gates(offers, attempt.wanted, tier=claim.tier, now=now)
    quoted = price(offers, attempt.wanted, tier=claim.tier)
    told = [line.buyer_fields or {} for line in attempt.body.lines]
    check_told(zip([_asked(line.offer) for line in quoted.lines], told, strict=True))
    check_expected(quoted, expected_total_minor=attempt.body.expected_total_minor)
    draft = draft_order(
        quoted,
        order_id=claim.order_id,
        order_no=new_order_number(now),
        member_id=attempt.caller.member_id,
        channel=attempt.body.channel,
        contracts=desk.catalogue.contracts,
        pay_before=now + desk.pay_window,
        now=now,
    )
    if not await _take_limits(desk, attempt, draft, now=now):
        return await _place(desk, attempt, draft)
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


async def _take_limits(desk: Desk, attempt: _Attempt, draft: NewOrder, *, now: datetime) -> bool:
    """Count the order against its buyer's purchase limits; answers whether there are any.

    :raises PurchaseLimitError: the buyer would have more than one may.
    """
    buyers = buyers_of(member_id=attempt.caller.member_id, contact=attempt.contact, key=desk.guest_key)
    takings = takings_of(draft, desk.catalogue.offers, buyers=buyers, day=business_day(now))
    if takings:
        async with desk.database.begin() as uow:
            await take_limits(uow, takings, now=now)
    return bool(takings)


async def _place(desk: Desk, attempt: _Attempt, draft: NewOrder) -> NewOrder:
    """Hold, judge and write what was priced."""
    order_id = draft.order.order_id
    verdict = await _hold_and_judge(desk, attempt, draft)
    new = accept(
        draft,
        flagged=verdict.decision != "allow",
        risk_decision_id=verdict.decision_id,
        contact=_sealed(desk, attempt.contact, order_id),
    )
    try:
        await desk.hot.placements.submit(placement(new, caller=attempt.scope, key=attempt.key))
    except AlreadyPlacedError:
        raise
    except TransientDatabaseError:
        await _give_back_unless_placed(desk, order_id)
        raise
    except BaseException:
        await desk.holds.give_back(order_id)
        raise
    return new


async def _hold_and_judge(desk: Desk, attempt: _Attempt, draft: NewOrder) -> Verdict:
    """Ask inventory and risk at the same time.

    :raises Problem: 403 `risk.denied`.
    """
    judging = asyncio.create_task(desk.risk.judge(draft, caller=attempt.caller))
    fields = {
        line.line_id: asked.buyer_fields
        for line, asked in zip(draft.lines, attempt.body.lines, strict=True)
        if asked.buyer_fields
    }
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


async def _give_back_unless_placed(desk: Desk, order_id: UUID) -> None:
    """The connection broke while the order was written: only the table knows whether it was."""
    try:
        async with desk.database.read() as uow:
            placed = await checkout_answer(uow, order_id)
    except TransientDatabaseError:
        return  # not to be known now: the hold ends by itself
    if placed is None:
        await desk.holds.give_back(order_id)


async def _finished(desk: Desk, attempt: _Attempt) -> UUID | None:
    """The order this very checkout made before: it is answered again, even if it could not be made now."""
    async with desk.database.read() as uow:
        finished = await finished_checkout(uow, caller=attempt.scope, key=attempt.key)
    if finished is None:
        return None
    order_id, hashed = finished
    if hashed != attempt.request_hash:
        raise KeyReusedError(attempt.key)
    return order_id


async def _answer_again(desk: Desk, order_id: UUID) -> Response:
    async with desk.database.read() as uow:
        answer = await checkout_answer(uow, order_id)
    if answer is None:
        raise OrderNotFoundError(str(order_id))
    return _answer(desk, answer, replayed=True)


def _created(new: NewOrder) -> dict[str, Any]:
    order = new.order
    return {
        "order_id": order.order_id,
        "order_no": new.order_no,
        "status": order.status,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "adjustments": [
            AdjustmentOut(kind=step.kind, label=step.label, amount_minor=step.amount_minor, rule=step.rule)
            for step in new.adjustments
        ],
        "pay_before": order.pay_before,
        "created_at": new.created_at,
        "guest": order.member_id is None,
    }


def _answer(desk: Desk, facts: dict[str, Any], *, replayed: bool) -> Response:
    token = None
    if facts["guest"]:
        # Made anew each time from what the order itself says: it is stored nowhere, and is the same every time.
        token = _guest_token(desk, facts["order_id"], facts["created_at"])
    out = CheckoutOut(**facts, access_token=token)
    return Response(
        out.model_dump_json(exclude_none=True),
        status_code=201,
        media_type="application/json",
        headers={"ETag": NEW_ORDER_ETAG, **(REPLAYED if replayed else {})},
    )


def _guest_token(desk: Desk, order_id: UUID, created_at: datetime) -> str:
    return sign_guest_token(desk.guest_key, order_id=order_id, expires_at=created_at + GUEST_TOKEN_LIFE)


def _asked(offer: Offer) -> Sequence[BuyerField]:
    """What the goods of a line ask for, each thing once."""
    asked: dict[str, BuyerField] = {}
    for part in offer.components:
        for field in part.buyer_fields:
            asked.setdefault(field.name, field)
    return tuple(asked.values())


def _sealed(desk: Desk, contact: Contact | None, order_id: UUID) -> SealedContact | None:
    return None if contact is None else seal_contact(desk.keyring, contact, order_id=order_id)


def _contact(body: CheckoutIn) -> Contact:
    if body.contact is None:
        raise ContactError("a guest leaves an e-mail address or a phone number")
    return contact_of(email=body.contact.email, phone=body.contact.phone)
