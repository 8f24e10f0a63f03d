"""Channels are registered, draw on their accounts and are paid back; each movement is one entry and one journal."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.settlement.domain import journals
from services.settlement.domain.channels import (
    Account,
    Entry,
    EntryConflictError,
    EntryKind,
    FundsError,
    PurchaseUnknownError,
    RefundExceedsError,
    check_currency,
    check_day,
    check_funds,
)
from services.settlement.domain.journals import Journal
from services.settlement.repository import channels, ledger, partners
from services.settlement.usecases.books import Books
from shared.clock import business_day, business_day_bounds, new_id
from shared.database import UnitOfWork


async def register_channel(
    uow: UnitOfWork,
    *,
    name: str,
    currency: str,
    credit_limit_minor: int,
    daily_spend_max_minor: int | None,
    created_by: UUID | None,
    now: datetime,
) -> Account:
    """Register a partner who buys: it gets keys like any partner, and an account."""
    channel_id = new_id()
    await partners.add_partner(uow, partner_id=channel_id, name=name, created_by=created_by, now=now)
    account = Account(channel_id, currency, 0, credit_limit_minor, daily_spend_max_minor)
    await channels.add_channel(uow, account, created_by=created_by, now=now)
    return account


async def change_limits(
    uow: UnitOfWork, channel_id: UUID, *, credit_limit_minor: int, daily_spend_max_minor: int | None
) -> Account:
    """Let the account be drawn on deeper, or less deep.

    :raises ChannelUnknownError: there is no such channel.
    :raises FundsError: it owes more than that already.
    """
    account = replace(
        await channels.lock_account(uow, channel_id),
        credit_limit_minor=credit_limit_minor,
        daily_spend_max_minor=daily_spend_max_minor,
    )
    if account.available_minor < 0:
        raise FundsError(account, wanted_minor=0)
    await channels.keep_limits(uow, account)
    return account


async def take_purchase(
    uow: UnitOfWork,
    books: Books,
    *,
    channel_id: UUID,
    order_id: UUID,
    amount_minor: int,
    currency: str,
    now: datetime,
) -> Account:
    """Take what an order costs from its channel's account, once per order.

    :raises ChannelUnknownError: there is no such channel.
    :raises EntryConflictError: the order was paid with another amount or account, or the currency is not the account's.
    :raises FundsError: the account does not hold that much. :raises DailySpendError: it would be too much for one day.
    """
    account = await channels.lock_account(uow, channel_id)
    entry = Entry(EntryKind.PURCHASE, order_id, channel_id, -amount_minor, order_id)
    if await _booked(uow, entry):
        return account
    check_currency(account, currency)
    check_funds(account, amount_minor=amount_minor)
    if account.daily_spend_max_minor is not None:
        today = await channels.spent_minor(uow, channel_id, since=business_day_bounds(business_day(now))[0])
        check_day(account, amount_minor=amount_minor, spent_minor=today)
    return await _book(uow, books, account, entry, now=now)


async def give_back(
    uow: UnitOfWork, books: Books, *, refund_id: UUID, order_id: UUID, amount_minor: int, now: datetime
) -> Account:
    """Put money of an order back on the account it came from, once per refund.

    :raises PurchaseUnknownError: no account paid for the order.
    :raises RefundExceedsError: more would come back than was paid.
    :raises EntryConflictError: the refund was booked before with another amount or order.
    """
    purchase = await channels.find_entry(uow, EntryKind.PURCHASE, order_id)
    if purchase is None:
        raise PurchaseUnknownError(f"no account paid for order {order_id}")
    account = await channels.lock_account(uow, purchase.channel_id)
    entry = Entry(EntryKind.REFUND, refund_id, purchase.channel_id, amount_minor, order_id)
    if await _booked(uow, entry):
        return account
    if await channels.refunded_minor(uow, order_id) + amount_minor > -purchase.amount_minor:
        raise RefundExceedsError(f"order {order_id} was paid {-purchase.amount_minor}; some of it is back already")
    return await _book(uow, books, account, entry, now=now)


async def book_transfer(
    uow: UnitOfWork, books: Books, account: Account, *, transfer_id: UUID, amount_minor: int, now: datetime
) -> Account:
    """Put money that came by bank on a locked account, or take off what was sent back.

    :raises FundsError: more would be sent back than the account holds.
    """
    check_funds(account, amount_minor=-amount_minor)
    entry = Entry(EntryKind.TRANSFER, transfer_id, account.channel_id, amount_minor)
    return await _book(uow, books, account, entry, now=now)


async def _booked(uow: UnitOfWork, entry: Entry) -> bool:
    """Whether this very entry is there already.

    :raises EntryConflictError: one with the same key but other content is.
    """
    known = await channels.find_entry(uow, entry.kind, entry.subject_id)
    if known is not None and known != entry:
        raise EntryConflictError(f"{entry.kind} of {entry.subject_id} was booked before with other content")
    return known is not None


async def _book(uow: UnitOfWork, books: Books, account: Account, entry: Entry, *, now: datetime) -> Account:
    await ledger.post(uow, books.accounts, [_journal(account, entry)], now=now)
    return await channels.move(uow, account, entry, now=now)


def _journal(account: Account, entry: Entry) -> Journal:
    if entry.kind is EntryKind.TRANSFER or entry.order_id is None:
        return journals.channel_transfer(
            transfer_id=entry.subject_id,
            channel_id=entry.channel_id,
            currency=account.currency,
            amount_minor=entry.amount_minor,
        )
    return journals.channel_payment(
        subject_id=entry.subject_id,
        order_id=entry.order_id,
        channel_id=entry.channel_id,
        currency=account.currency,
        amount_minor=entry.amount_minor,
    )
