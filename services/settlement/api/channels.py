"""Operators register channels and book what they send; channels look at their account; order draws on it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.settlement.api.callers import FinanceOperator
from services.settlement.domain.channels import PurchaseUnknownError
from services.settlement.queries import channels as queries
from services.settlement.schemas.channels import (
    ChannelEntryPage,
    ChannelIn,
    ChannelOut,
    ChannelPage,
    LimitsIn,
    PurchaseIn,
    PurchaseOut,
    RefundIn,
    RefundOut,
    TransferIn,
    TransferOut,
    TransferPage,
)
from services.settlement.usecases.books import Books
from services.settlement.usecases.channels import change_limits, give_back, register_channel, take_purchase
from services.settlement.usecases.transfers import Decision, Proposal, decide_transfer, propose_transfer
from shared.clock import utc_now
from shared.database import UnitOfWork
from shared.http import (
    DEFAULT_PAGE,
    ChannelCaller,
    Cursor,
    Idempotent,
    IdempotentCall,
    Identity,
    PageSize,
    Problem,
    Reading,
    Role,
    Work,
    require,
)


def _own_channel_id(caller: ChannelCaller) -> UUID:
    assert caller.channel_id is not None  # noqa: S101  # a channel has one
    return caller.channel_id


OwnChannelId = Annotated[UUID, Depends(_own_channel_id)]
"""The channel that asks, by its signed request."""

OnlyOrder = Annotated[Identity, Depends(require(Role.SERVICE))]


def router(books: Books) -> APIRouter:
    """Channels and their money."""
    routes = APIRouter()
    _add_channels(routes)
    _add_transfers(routes)
    _add_decisions(routes, books)
    _add_own(routes)
    _add_payments(routes, books)
    return routes


def _add_channels(routes: APIRouter) -> None:
    @routes.post("/v1/ops/channels", status_code=201, response_model=ChannelOut)
    async def create_channel(body: ChannelIn, caller: FinanceOperator, work: Work, call: Idempotent) -> Response:
        """Register a reseller: a partner who buys. Give it a key and terms next."""
        if stored := await call.once(work):
            return stored.response()
        account = await register_channel(
            work,
            name=body.name,
            currency=body.currency,
            credit_limit_minor=body.credit_limit_minor,
            daily_spend_max_minor=body.daily_spend_max_minor,
            created_by=caller.operator_id,
            now=utc_now(),
        )
        return await _keep(work, call, 201, await queries.channel(work, account.channel_id))

    @routes.get("/v1/ops/channels")
    async def list_channels(
        _: FinanceOperator, work: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> ChannelPage:
        return await queries.channels(work, cursor=cursor, limit=limit)

    @routes.get("/v1/ops/channels/{channel_id}")
    async def get_channel(channel_id: UUID, _: FinanceOperator, work: Reading) -> ChannelOut:
        return await queries.channel(work, channel_id)

    @routes.get("/v1/ops/channels/{channel_id}/entries")
    async def list_entries(
        channel_id: UUID, _: FinanceOperator, work: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> ChannelEntryPage:
        await queries.channel(work, channel_id)
        return await queries.entries(work, channel_id, cursor=cursor, limit=limit)

    @routes.put("/v1/ops/channels/{channel_id}/limits", response_model=ChannelOut)
    async def set_limits(
        channel_id: UUID, body: LimitsIn, _: FinanceOperator, work: Work, call: Idempotent
    ) -> Response:
        """Say how far below zero the account may go, and how much a day may cost."""
        if stored := await call.once(work):
            return stored.response()
        await change_limits(
            work,
            channel_id,
            credit_limit_minor=body.credit_limit_minor,
            daily_spend_max_minor=body.daily_spend_max_minor,
        )
        return await _keep(work, call, 200, await queries.channel(work, channel_id))


def _add_transfers(routes: APIRouter) -> None:
    @routes.post("/v1/ops/channels/{channel_id}/transfers", status_code=201, response_model=TransferOut)
    async def propose(
        channel_id: UUID, body: TransferIn, caller: FinanceOperator, work: Work, call: Idempotent
    ) -> Response:
        """Note a bank transfer, once per reference. Nothing moves before another operator confirms it."""
        if stored := await call.once(work):
            return stored.response()
        if body.amount_minor == 0:
            raise Problem(422, "body.invalid", "The request is not valid", "a transfer of nothing is none")
        proposal = Proposal(channel_id, body.reference, body.amount_minor, body.note)
        transfer_id = await propose_transfer(work, proposal, operator_id=_operator(caller), now=utc_now())
        return await _keep(work, call, 201, await queries.transfer(work, transfer_id))

    @routes.get("/v1/ops/channels/{channel_id}/transfers")
    async def list_transfers(
        channel_id: UUID, _: FinanceOperator, work: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> TransferPage:
        return await queries.transfers(work, channel_id, cursor=cursor, limit=limit)


def _add_decisions(routes: APIRouter, books: Books) -> None:
    @routes.post("/v1/ops/channels/{channel_id}/transfers/{transfer_id}/confirm", response_model=TransferOut)
    async def confirm(
        channel_id: UUID, transfer_id: UUID, caller: FinanceOperator, work: Work, call: Idempotent
    ) -> Response:
        """Book the money. Somebody else proposed it."""
        return await _decide(work, call, books, Decision(channel_id, transfer_id, _operator(caller), confirm=True))

    @routes.post("/v1/ops/channels/{channel_id}/transfers/{transfer_id}/reject", response_model=TransferOut)
    async def reject(
        channel_id: UUID, transfer_id: UUID, caller: FinanceOperator, work: Work, call: Idempotent
    ) -> Response:
        """It was a mistake: nothing is booked, and its reference may come again."""
        return await _decide(work, call, books, Decision(channel_id, transfer_id, _operator(caller), confirm=False))


def _add_own(routes: APIRouter) -> None:
    @routes.get("/v1/channel/account", tags=["channel"])
    async def own_account(channel_id: OwnChannelId, work: Reading) -> ChannelOut:
        """What the account holds, and what may still be spent."""
        return await queries.channel(work, channel_id)

    @routes.get("/v1/channel/account/entries", tags=["channel"])
    async def own_entries(
        channel_id: OwnChannelId, work: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> ChannelEntryPage:
        """What moved the account, the newest first."""
        return await queries.entries(work, channel_id, cursor=cursor, limit=limit)


def _add_payments(routes: APIRouter, books: Books) -> None:
    """What order calls. Each is done once, by the order's or the refund's id."""

    @routes.get("/internal/channels/{channel_id}")
    async def find_channel(channel_id: UUID, _: OnlyOrder, work: Reading) -> ChannelOut:
        return await queries.channel(work, channel_id)

    @routes.post("/internal/channel-purchases")
    async def take(body: PurchaseIn, _: OnlyOrder, work: Work) -> PurchaseOut:
        await take_purchase(
            work,
            books,
            channel_id=body.channel_id,
            order_id=body.order_id,
            amount_minor=body.amount_minor,
            currency=body.currency,
            now=utc_now(),
        )
        return PurchaseOut(**body.model_dump())

    @routes.get("/internal/channel-purchases/{order_id}")
    async def find_purchase(order_id: UUID, _: OnlyOrder, work: Reading) -> PurchaseOut:
        found = await queries.purchase(work, order_id)
        if found is None:
            raise PurchaseUnknownError(f"no account paid for order {order_id}")
        return found

    @routes.post("/internal/channel-refunds")
    async def put_back(body: RefundIn, _: OnlyOrder, work: Work) -> RefundOut:
        await give_back(
            work,
            books,
            refund_id=body.refund_id,
            order_id=body.order_id,
            amount_minor=body.amount_minor,
            now=utc_now(),
        )
        return RefundOut(refund_id=body.refund_id, amount_minor=body.amount_minor)

    @routes.get("/internal/channel-refunds/{refund_id}")
    async def find_refund(refund_id: UUID, _: OnlyOrder, work: Reading) -> RefundOut:
        found = await queries.refund(work, refund_id)
        if found is None:
            raise PurchaseUnknownError(f"there is no refund {refund_id}")
        return found


async def _decide(work: UnitOfWork, call: IdempotentCall, books: Books, decision: Decision) -> Response:
    if stored := await call.once(work):
        return stored.response()
    await decide_transfer(work, books, decision, now=utc_now())
    return await _keep(work, call, 200, await queries.transfer(work, decision.transfer_id))


def _operator(caller: Identity) -> UUID:
    assert caller.operator_id is not None  # noqa: S101  # an operator has one
    return caller.operator_id


async def _keep(work: UnitOfWork, call: IdempotentCall, status: int, answer: ChannelOut | TransferOut) -> Response:
    return await call.keep(work, status=status, body=answer.model_dump_json().encode())
