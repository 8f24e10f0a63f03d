"""New orders: priced from memory, held and judged by the neighbours, then written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.order.api.baskets import check_basket, refuse_unoffered, wanted_lines
from services.order.api.desk import Desk, OrderDesk, RawBody
from services.order.api.orders import NEW_ORDER_ETAG
from services.order.api.placing import Attempt, check_fields, place_draft
from services.order.domain.checkouts import ClaimWanted, NewOrder, draft_order
from services.order.domain.contacts import Contact, ContactError, contact_of
from services.order.domain.limits import buyers_of
from services.order.domain.pricing import WantedLine, check_expected, check_gates, price
from services.order.queries.orders import checkout_answer, finished_checkout
from services.order.schemas.checkout import AdjustmentOut, CheckoutIn, CheckoutOut
from services.order.usecases.changes import OrderNotFoundError
from services.order.usecases.checkout import (
    AlreadyPlacedError,
    Claimed,
    KeyReusedError,
    new_order_number,
)
from shared.clock import new_id, utc_now
from shared.http import Caller, IdempotencyKey, Identity, Problem, Role, request_hash
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
    told = [line.told for line in attempt.body.lines]
    check_fields(quoted, told)
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
    buyers = buyers_of(member_id=attempt.caller.member_id, contact=attempt.contact, key=desk.guest_key)
    placed = Attempt(attempt.caller, attempt.key, told, buyers, attempt.contact)
    return await place_draft(desk, placed, draft, now=now)


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


def _contact(body: CheckoutIn) -> Contact:
    if body.contact is None:
        raise ContactError("a guest leaves an e-mail address or a phone number")
    return contact_of(email=body.contact.email, phone=body.contact.phone)
