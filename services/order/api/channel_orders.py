"""Resellers order by API: by their own number, at their own price, paid at once from their account."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Response

from services.order.api.baskets import check_basket
from services.order.api.channel_answers import answer_of
from services.order.api.desk import Desk, OrderDesk
from services.order.api.placing import Attempt, check_fields, place_draft
from services.order.api.refunds import accepted, refund_wanted
from services.order.clients.accounts import NAME as ACCOUNT
from services.order.clients.accounts import AccountRefusedError
from services.order.domain.channels import (
    CHANNEL,
    ChannelNotActiveError,
    ChannelOrder,
    CurrencyError,
    ExternalIdReusedError,
    Terms,
    channel_price,
    check_max,
    check_sold,
)
from services.order.domain.checkouts import ClaimWanted, NewOrder, draft_order
from services.order.domain.payments import OrderNotPayableError, PayableOrder, PaymentWanted
from services.order.domain.pricing import Quote, WantedLine, check_gates
from services.order.domain.refunds import RefundReason
from services.order.queries.channels import known_order, own_order, terms_of
from services.order.schemas.channels import ChannelOrderIn, ChannelOrderOut
from services.order.schemas.orders import RefundAcceptedOut, RefundIn
from services.order.usecases.channels import end_unpaid
from services.order.usecases.checkout import AlreadyPlacedError, Claimed, KeyReusedError, new_order_number
from services.order.usecases.payments import Reported
from services.order.usecases.refunds import request_refund
from shared.clock import new_id, utc_now
from shared.http import ChannelCaller, Idempotent, Identity, Work
from shared.observability import current_traceparent

router = APIRouter(prefix="/v1/channel/orders", tags=["channel"])

ExternalId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]

_CONTENT: Final = b"channel-order|"


@dataclass(frozen=True, slots=True)
class _Wish:
    """A new order of a channel, on its terms."""

    caller: Identity
    terms: Terms
    body: ChannelOrderIn
    content_hash: bytes

    @property
    def wanted(self) -> list[WantedLine]:
        return [
            WantedLine(line.sku_id, line.quantity, tuple(line.choices), line.accept_substitutes)
            for line in self.body.lines
        ]


@router.post("", status_code=201, response_model=ChannelOrderOut)
async def place_channel_order(body: ChannelOrderIn, caller: ChannelCaller, desk: OrderDesk) -> Response:
    """Order, and pay from the account. The channel's number makes the order once: said again, it is answered as it stands.

    Other lines under a known number are 422 `external_id.reused`. Too little money is 402 and the number stays free.
    """
    terms = await channel_terms(desk, caller)
    content_hash = _hash(body, key=desk.guest_key)
    known = await _known(desk, terms.channel_id, body.external_id)
    if known is None:
        known = await _place(desk, _Wish(caller, terms, body, content_hash))
    if known.content_hash != content_hash:
        raise ExternalIdReusedError(f"{body.external_id} belongs to an order of other content")
    await _pay(desk, caller, known)
    return await answer_of(desk, caller, known, status=201)


@router.get("/{external_id}", response_model=ChannelOrderOut)
async def get_channel_order(
    external_id: ExternalId,
    caller: ChannelCaller,
    desk: OrderDesk,
    reveal: bool = False,  # noqa: FBT001, FBT002  # a query parameter
) -> Response:
    """The order as it stands, masked; with `reveal=true` the codes of what is issued, each look audited."""
    async with desk.database.read() as uow:
        known = await own_order(uow, channel_id=channel_id_of(caller), external_id=external_id)
    return await answer_of(desk, caller, known, reveal=reveal)


@router.post("/{external_id}/cancel", status_code=202, response_model=RefundAcceptedOut)
async def cancel_channel_order(
    external_id: ExternalId, body: RefundIn, caller: ChannelCaller, call: Idempotent, work: Work
) -> Response:
    """Give back the order, some of its lines or components, by the rules that hold for buyers; the account is paid back."""
    known = await own_order(work, channel_id=channel_id_of(caller), external_id=external_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    wanted = refund_wanted(known.order_id, body, reason=RefundReason.BUYER, requested_by=caller.caller)
    refund = await request_refund(work, wanted, now=utc_now())
    return await call.keep(work, status=202, body=accepted(refund))


async def channel_terms(desk: Desk, caller: Identity) -> Terms:
    """The caller's terms.

    :raises ChannelNotActiveError: none were agreed, or the channel is paused.
    """
    async with desk.database.read() as uow:
        terms = await terms_of(uow, channel_id_of(caller))
    if terms is None or not terms.active:
        raise ChannelNotActiveError("no terms are agreed with this channel, or it is paused")
    return terms


def channel_id_of(caller: Identity) -> UUID:
    assert caller.channel_id is not None  # noqa: S101  # a channel has one
    return caller.channel_id


async def _place(desk: Desk, wish: _Wish) -> ChannelOrder:
    """Make the order, or find the one that somebody else made meanwhile."""
    external_id = wish.body.external_id
    await check_basket(desk, wish.wanted)
    try:
        claim = await desk.hot.claims.submit(
            ClaimWanted(wish.caller.caller, external_id, wish.content_hash, order_id=new_id(), member_id=None)
        )
    except KeyReusedError:
        raise ExternalIdReusedError(f"{external_id} belongs to an order of other content") from None
    if isinstance(claim, Claimed):
        try:
            return await _order(desk, wish, claim.order_id)
        except AlreadyPlacedError:
            pass
        except BaseException:
            await desk.hot.releases.submit((wish.caller.caller, external_id, claim.order_id))
            raise
    async with desk.database.read() as uow:
        return await own_order(uow, channel_id=wish.terms.channel_id, external_id=external_id)


async def _order(desk: Desk, wish: _Wish, order_id: UUID) -> ChannelOrder:
    """Price, look whether the account would pay, hold and write."""
    now = utc_now()
    quoted = _quote(desk, wish, now)
    told = [line.told for line in wish.body.lines]
    check_fields(quoted, told)
    account = await desk.accounts.find(wish.terms.channel_id)
    if account.currency != quoted.currency:
        raise CurrencyError(f"the goods are sold in {quoted.currency}, the account is kept in {account.currency}")
    if quoted.total_minor > account.available_minor:
        missing = {"available_minor": account.available_minor, "wanted_minor": quoted.total_minor}
        raise AccountRefusedError("account.insufficient", missing)
    bought_by = ChannelOrder(
        wish.terms.channel_id, wish.body.external_id, wish.content_hash, order_id, wish.body.notify
    )
    draft = _draft(desk, quoted, bought_by, now)
    buyers = (f"channel:{wish.terms.channel_id}",) if wish.terms.buyer_limits else ()
    attempt = Attempt(wish.caller, wish.body.external_id, told, buyers, judged=False)
    await place_draft(desk, attempt, draft, now=now)
    return bought_by


def _quote(desk: Desk, wish: _Wish, now: datetime) -> Quote:
    offers = desk.catalogue.offers
    check_sold(wish.terms, offers, wish.wanted)
    check_gates(offers, wish.wanted, tier=wish.terms.gate_tier, now=now)
    quoted = channel_price(wish.terms, offers, wish.wanted)
    check_max(quoted, max_total_minor=wish.body.max_total_minor)
    return quoted


def _draft(desk: Desk, quoted: Quote, bought_by: ChannelOrder, now: datetime) -> NewOrder:
    return draft_order(
        quoted,
        order_id=bought_by.order_id,
        order_no=new_order_number(now),
        member_id=None,
        channel=CHANNEL,
        contracts=desk.catalogue.contracts,
        pay_before=now + desk.pay_window,
        now=now,
        bought_by=bought_by,
    )


async def _pay(desk: Desk, caller: Identity, order: ChannelOrder) -> None:
    """Pay an order that is not paid yet. Whatever is lost on the way, a job asks the account later.

    :raises AccountRefusedError: the account would not pay; the order ended and its number is free.
    """
    wanted = PaymentWanted(order.order_id, order.order_id, None, ACCOUNT, ACCOUNT)
    try:
        payable: PayableOrder = await desk.hot.payments.submit(wanted)
    except OrderNotPayableError:
        return  # paid, free, or over
    if payable.status != "pending_payment":
        return
    try:
        receipt = await desk.accounts.take(
            channel_id=order.channel_id,
            order_id=order.order_id,
            amount_minor=payable.total_minor,
            currency=payable.currency,
        )
    except AccountRefusedError:
        async with desk.database.begin() as uow:
            await end_unpaid(uow, order, caller=caller.caller, now=utc_now())
        raise
    await desk.hot.reports.submit(Reported(receipt, current_traceparent()))


async def _known(desk: Desk, channel_id: UUID, external_id: str) -> ChannelOrder | None:
    async with desk.database.read() as uow:
        return await known_order(uow, channel_id=channel_id, external_id=external_id)


def _hash(body: ChannelOrderIn, *, key: bytes) -> bytes:
    """Of what is ordered, under a key: an account to top up is not to be guessed from it."""
    # What is said by default is left out: a later release that knows more must not find another content in it.
    lines = [line.model_dump(mode="json", exclude_defaults=True) for line in body.lines]
    return hmac.digest(key, _CONTENT + orjson.dumps(lines, option=orjson.OPT_SORT_KEYS), "sha256")
