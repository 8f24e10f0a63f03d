"""What a channel may buy, at its price; operators agree its terms."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.order.api.channel_orders import channel_terms
from services.order.api.desk import OrderDesk
from services.order.api.orders import cursor_id
from services.order.domain.channels import ChannelNotActiveError, Terms, open_to, unit_price
from services.order.domain.offers import Offer
from services.order.queries.channels import stock_of, terms_of
from services.order.schemas.channels import AskedFieldOut, ChannelGoodsOut, TermsIn, TermsOut
from services.order.usecases.channels import agree_terms
from shared.clock import utc_now
from shared.database import UnitOfWork
from shared.http import (
    ChannelCaller,
    Cursor,
    Idempotent,
    Identity,
    Page,
    Reading,
    Role,
    encode_cursor,
    require,
)

GOODS_MAX = 1_000
GOODS_DEFAULT = 200

router = APIRouter()

FinanceOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="finance"))]


@router.get("/v1/channel/products", tags=["channel"])
async def list_goods(
    caller: ChannelCaller,
    desk: OrderDesk,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=GOODS_MAX)] = GOODS_DEFAULT,
) -> Page[ChannelGoodsOut]:
    """What the channel may buy now, by SKU, with its price, what is left, and what the goods need to know."""
    terms = await channel_terms(desk, caller)
    after, now = cursor_id(cursor), utc_now()
    sold = sorted(
        (offer for offer in desk.catalogue.offers.values() if open_to(terms, offer, now=now)),
        key=lambda offer: offer.sku_id,
    )
    page = [offer for offer in sold if after is None or offer.sku_id > after][: limit + 1]
    async with desk.database.read() as uow:
        stock = await stock_of(uow, [offer.sku_id for offer in page[:limit]])
    items = [_goods(terms, offer, stock.get(offer.sku_id)) for offer in page[:limit]]
    more = encode_cursor(str(items[-1].sku_id)) if len(page) > limit else None
    return Page[ChannelGoodsOut](items=items, next_cursor=more)


@router.get("/v1/ops/channels/{channel_id}/terms", tags=["operators"])
async def get_terms(channel_id: UUID, _: FinanceOperator, reading: Reading) -> TermsOut:
    """What was agreed with the channel."""
    return await _terms(reading, channel_id)


@router.put("/v1/ops/channels/{channel_id}/terms", response_model=TermsOut, tags=["operators"])
async def set_terms(
    channel_id: UUID, body: TermsIn, caller: FinanceOperator, desk: OrderDesk, call: Idempotent
) -> Response:
    """Say what the channel may buy and at which price, whole. From the next order on it counts."""
    account = await desk.accounts.find(channel_id)
    terms = Terms(
        channel_id=channel_id,
        name=account.name,
        active=body.active,
        price_bp=body.price_bp,
        prices=body.prices,
        sku_ids=frozenset(body.sku_ids),
        product_ids=frozenset(body.product_ids),
        categories=frozenset(body.categories),
        tier=body.tier,
        buyer_limits=body.buyer_limits,
    )
    async with desk.database.begin() as work:
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        await agree_terms(work, terms, changed_by=caller.caller, now=utc_now())
        answer = (await _terms(work, channel_id)).model_dump_json().encode()
        return await call.keep(work, status=200, body=answer)


async def _terms(uow: UnitOfWork, channel_id: UUID) -> TermsOut:
    terms = await terms_of(uow, channel_id)
    if terms is None:
        raise ChannelNotActiveError("no terms are agreed with this channel")
    return TermsOut(
        channel_id=terms.channel_id,
        name=terms.name,
        active=terms.active,
        price_bp=terms.price_bp,
        prices=dict(terms.prices),
        sku_ids=sorted(terms.sku_ids),
        product_ids=sorted(terms.product_ids),
        categories=sorted(terms.categories),
        tier=terms.tier,
        buyer_limits=terms.buyer_limits,
    )


def _goods(terms: Terms, offer: Offer, stock: int | None) -> ChannelGoodsOut:
    alone = len(offer.components) == 1 and not offer.choices
    return ChannelGoodsOut(
        sku_id=offer.sku_id,
        product_id=offer.product_id,
        name=offer.name,
        kind=offer.components[0].kind if alone else "bundle",
        currency=offer.currency,
        list_minor=offer.price_minor,
        price_minor=unit_price(terms, offer),
        stock=stock,
        min_per_order=offer.limits.min_per_order,
        order_step=offer.limits.order_step,
        max_per_order=offer.max_per_order,
        period=offer.period,
        buyer_fields=[
            AskedFieldOut(
                name=field.name,
                kind=field.kind,
                pattern=field.pattern,
                required=field.required,
                choices=sorted(field.choices),
            )
            for field in offer.asked
        ],
        has_choices=bool(offer.choices),
    )
