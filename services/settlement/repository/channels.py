"""Channels' accounts: locked, moved, and their entries. Lock the account before anything else of it."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from services.settlement.domain.channels import Account, ChannelUnknownError, Entry, EntryKind, TransferState
from services.settlement.tables import CHANNEL_ENTRIES, CHANNEL_TRANSFERS, CHANNELS
from shared.database import UnitOfWork

_ENTRY = CHANNEL_ENTRIES.c


async def add_channel(uow: UnitOfWork, account: Account, *, created_by: UUID | None, now: datetime) -> None:
    """Open the account of a partner who buys."""
    await uow.sql.execute(
        insert(CHANNELS).values(
            channel_id=account.channel_id,
            currency=account.currency,
            credit_limit_minor=account.credit_limit_minor,
            daily_spend_max_minor=account.daily_spend_max_minor,
            created_by=created_by,
            created_at=now,
        )
    )


async def lock_account(uow: UnitOfWork, channel_id: UUID) -> Account:
    """The account, held until the unit of work ends: movements of one channel come one after another.

    :raises ChannelUnknownError: there is no such channel.
    """
    query = select(CHANNELS).where(CHANNELS.c.channel_id == channel_id).with_for_update()
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        raise ChannelUnknownError(f"there is no channel {channel_id}")
    return account_of(row)


async def keep_limits(uow: UnitOfWork, account: Account) -> None:
    """Write down how deep and how fast the account may be drawn on."""
    await uow.sql.execute(
        update(CHANNELS)
        .where(CHANNELS.c.channel_id == account.channel_id)
        .values(
            credit_limit_minor=account.credit_limit_minor,
            daily_spend_max_minor=account.daily_spend_max_minor,
        )
    )


async def move(uow: UnitOfWork, account: Account, entry: Entry, *, now: datetime) -> Account:
    """Write the entry and the balance after it, on a locked account."""
    moved = replace(account, balance_minor=account.balance_minor + entry.amount_minor)
    await uow.sql.execute(
        update(CHANNELS).where(CHANNELS.c.channel_id == account.channel_id).values(balance_minor=moved.balance_minor)
    )
    await uow.sql.execute(
        insert(CHANNEL_ENTRIES).values(
            channel_id=entry.channel_id,
            kind=entry.kind.value,
            subject_id=entry.subject_id,
            order_id=entry.order_id,
            amount_minor=entry.amount_minor,
            balance_minor=moved.balance_minor,
            at=now,
        )
    )
    return moved


async def find_entry(uow: UnitOfWork, kind: EntryKind, subject_id: UUID) -> Entry | None:
    """The entry with this business key."""
    query = select(CHANNEL_ENTRIES).where(_ENTRY.kind == kind.value, _ENTRY.subject_id == subject_id)
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        return None
    return Entry(EntryKind(row.kind), row.subject_id, row.channel_id, row.amount_minor, row.order_id)


async def refunded_minor(uow: UnitOfWork, order_id: UUID) -> int:
    """What has come back of an order so far."""
    query = select(func.coalesce(func.sum(_ENTRY.amount_minor), 0)).where(
        _ENTRY.order_id == order_id, _ENTRY.kind == EntryKind.REFUND.value
    )
    return int((await uow.sql.execute(query)).scalar_one())


async def spent_minor(uow: UnitOfWork, channel_id: UUID, *, since: datetime) -> int:
    """What the channel has bought for since a moment; refunds do not count against it."""
    query = select(func.coalesce(func.sum(-_ENTRY.amount_minor), 0)).where(
        _ENTRY.channel_id == channel_id, _ENTRY.kind == EntryKind.PURCHASE.value, _ENTRY.at >= since
    )
    return int((await uow.sql.execute(query)).scalar_one())


async def propose_transfer(
    uow: UnitOfWork,
    *,
    transfer_id: UUID,
    channel_id: UUID,
    reference: str,
    amount_minor: int,
    note: str,
    proposed_by: UUID,
    now: datetime,
) -> None:
    """Keep a transfer until a second operator decides."""
    await uow.sql.execute(
        insert(CHANNEL_TRANSFERS).values(
            transfer_id=transfer_id,
            channel_id=channel_id,
            reference=reference,
            amount_minor=amount_minor,
            note=note,
            state=TransferState.PROPOSED.value,
            proposed_by=proposed_by,
            proposed_at=now,
        )
    )


async def find_transfer(uow: UnitOfWork, channel_id: UUID, *, reference: str) -> "Row[tuple[object, ...]] | None":
    """The channel's transfer with the bank's number, unless it was rejected."""
    columns = CHANNEL_TRANSFERS.c
    query = select(CHANNEL_TRANSFERS).where(
        columns.channel_id == channel_id,
        columns.reference == reference,
        columns.state != TransferState.REJECTED.value,
    )
    return (await uow.sql.execute(query)).one_or_none()


async def lock_transfer(uow: UnitOfWork, channel_id: UUID, transfer_id: UUID) -> "Row[tuple[object, ...]] | None":
    """One transfer of the channel, held until the unit of work ends."""
    columns = CHANNEL_TRANSFERS.c
    query = (
        select(CHANNEL_TRANSFERS)
        .where(columns.channel_id == channel_id, columns.transfer_id == transfer_id)
        .with_for_update()
    )
    return (await uow.sql.execute(query)).one_or_none()


async def decide_transfer(
    uow: UnitOfWork, transfer_id: UUID, *, state: TransferState, decided_by: UUID, now: datetime
) -> None:
    """Write down what the second operator said."""
    await uow.sql.execute(
        update(CHANNEL_TRANSFERS)
        .where(CHANNEL_TRANSFERS.c.transfer_id == transfer_id)
        .values(state=state.value, decided_by=decided_by, decided_at=now)
    )


def account_of(row: "Row[tuple[object, ...]]") -> Account:
    """The account in a row of its table."""
    return Account(
        channel_id=row.channel_id,
        currency=row.currency,
        balance_minor=row.balance_minor,
        credit_limit_minor=row.credit_limit_minor,
        daily_spend_max_minor=row.daily_spend_max_minor,
    )
