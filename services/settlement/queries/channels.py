"""Channels with their accounts, entries and transfers, and whether balances are what the ledger says."""

from uuid import UUID

from sqlalchemy import Row, Select, select

from services.settlement.domain.channels import ChannelUnknownError, EntryKind, TransferUnknownError
from services.settlement.queries.paging import id_in, number_in
from services.settlement.repository.channels import account_of
from services.settlement.schemas.channels import (
    ChannelEntryOut,
    ChannelEntryPage,
    ChannelOut,
    ChannelPage,
    PurchaseOut,
    RefundOut,
    TransferOut,
    TransferPage,
)
from services.settlement.tables import CHANNEL_ENTRIES, CHANNEL_TRANSFERS, CHANNELS, PARTNERS
from shared.database import UnitOfWork
from shared.http import encode_cursor

# One statement sees one moment: entries, balances and journals are written together. The ledger's side is the sealed
# totals and what has been posted since, as everywhere: the postings of all time are not read.
_DRIFTED = """
WITH head AS (
  SELECT coalesce(max(to_no), 0) AS to_no FROM blocks
), moved AS (
  SELECT account_id, credit_minor - debit_minor AS minor FROM account_totals
  UNION ALL SELECT credit_account, amount_minor FROM postings WHERE journal_no > (SELECT to_no FROM head)
  UNION ALL SELECT debit_account, -amount_minor FROM postings WHERE journal_no > (SELECT to_no FROM head)
), ledger AS (
  SELECT owner, currency, sum(minor) AS minor FROM moved JOIN accounts USING (account_id)
  WHERE kind = 'channel_funds' GROUP BY owner, currency
), entries AS (
  SELECT channel_id, sum(amount_minor) AS minor FROM channel_entries GROUP BY channel_id
)
SELECT c.channel_id
FROM channels c
LEFT JOIN ledger l ON l.owner = c.channel_id::text AND l.currency = c.currency
LEFT JOIN entries e ON e.channel_id = c.channel_id
WHERE c.balance_minor <> coalesce(l.minor, 0) OR c.balance_minor <> coalesce(e.minor, 0)
ORDER BY c.channel_id
"""


async def channel(uow: UnitOfWork, channel_id: UUID) -> ChannelOut:
    """One channel.

    :raises ChannelUnknownError: there is none of that id.
    """
    row = (await uow.sql.execute(_channels().where(CHANNELS.c.channel_id == channel_id))).one_or_none()
    if row is None:
        raise ChannelUnknownError(f"there is no channel {channel_id}")
    return _channel(row)


async def channels(uow: UnitOfWork, *, cursor: str | None, limit: int) -> ChannelPage:
    """All channels, the newest first."""
    query = _channels().order_by(CHANNELS.c.channel_id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(CHANNELS.c.channel_id < id_in(cursor))
    rows = (await uow.sql.execute(query)).all()
    more = encode_cursor(str(rows[limit - 1].channel_id)) if len(rows) > limit else None
    return ChannelPage(items=[_channel(row) for row in rows[:limit]], next_cursor=more)


async def entries(uow: UnitOfWork, channel_id: UUID, *, cursor: str | None, limit: int) -> ChannelEntryPage:
    """What moved a channel's account, the newest first."""
    columns = CHANNEL_ENTRIES.c
    query = select(CHANNEL_ENTRIES).where(columns.channel_id == channel_id).order_by(columns.entry_no.desc())
    if cursor is not None:
        query = query.where(columns.entry_no < number_in(cursor))
    rows = (await uow.sql.execute(query.limit(limit + 1))).all()
    more = encode_cursor(rows[limit - 1].entry_no) if len(rows) > limit else None
    return ChannelEntryPage(items=[_entry(row) for row in rows[:limit]], next_cursor=more)


async def transfer(uow: UnitOfWork, transfer_id: UUID) -> TransferOut:
    """One transfer.

    :raises TransferUnknownError: there is none of that id.
    """
    query = select(CHANNEL_TRANSFERS).where(CHANNEL_TRANSFERS.c.transfer_id == transfer_id)
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        raise TransferUnknownError(f"there is no transfer {transfer_id}")
    return _transfer(row)


async def transfers(uow: UnitOfWork, channel_id: UUID, *, cursor: str | None, limit: int) -> TransferPage:
    """A channel's transfers, the newest first, with who proposed and who decided."""
    columns = CHANNEL_TRANSFERS.c
    query = select(CHANNEL_TRANSFERS).where(columns.channel_id == channel_id).order_by(columns.transfer_id.desc())
    if cursor is not None:
        query = query.where(columns.transfer_id < id_in(cursor))
    rows = (await uow.sql.execute(query.limit(limit + 1))).all()
    more = encode_cursor(str(rows[limit - 1].transfer_id)) if len(rows) > limit else None
    return TransferPage(items=[_transfer(row) for row in rows[:limit]], next_cursor=more)


async def purchase(uow: UnitOfWork, order_id: UUID) -> PurchaseOut | None:
    """What an account paid for the order; None: nothing."""
    query = (
        select(CHANNEL_ENTRIES, CHANNELS.c.currency)
        .join(CHANNELS, CHANNELS.c.channel_id == CHANNEL_ENTRIES.c.channel_id)
        .where(CHANNEL_ENTRIES.c.subject_id == order_id, CHANNEL_ENTRIES.c.kind == EntryKind.PURCHASE.value)
    )
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        return None
    return PurchaseOut(
        order_id=row.subject_id, channel_id=row.channel_id, amount_minor=-row.amount_minor, currency=row.currency
    )


async def refund(uow: UnitOfWork, refund_id: UUID) -> RefundOut | None:
    """What came back by this refund; None: nothing."""
    columns = CHANNEL_ENTRIES.c
    query = select(columns.amount_minor).where(columns.subject_id == refund_id, columns.kind == EntryKind.REFUND.value)
    row = (await uow.sql.execute(query)).one_or_none()
    return None if row is None else RefundOut(refund_id=refund_id, amount_minor=row.amount_minor)


async def drifted_channels(uow: UnitOfWork) -> list[UUID]:
    """Channels whose balance is not what their entries, and the ledger, add up to: none, ever."""
    return [row["channel_id"] for row in await uow.raw.fetch(_DRIFTED)]


def _channels() -> "Select[tuple[object, ...]]":
    return select(CHANNELS, PARTNERS.c.name).join(PARTNERS, PARTNERS.c.partner_id == CHANNELS.c.channel_id)


def _channel(row: "Row[tuple[object, ...]]") -> ChannelOut:
    account = account_of(row)
    return ChannelOut(
        channel_id=account.channel_id,
        name=row.name,
        currency=account.currency,
        balance_minor=account.balance_minor,
        credit_limit_minor=account.credit_limit_minor,
        available_minor=account.available_minor,
        daily_spend_max_minor=account.daily_spend_max_minor,
    )


def _entry(row: "Row[tuple[object, ...]]") -> ChannelEntryOut:
    return ChannelEntryOut(
        entry_no=row.entry_no,
        kind=EntryKind(row.kind),
        subject_id=row.subject_id,
        order_id=row.order_id,
        amount_minor=row.amount_minor,
        balance_minor=row.balance_minor,
        at=row.at,
    )


def _transfer(row: "Row[tuple[object, ...]]") -> TransferOut:
    return TransferOut(
        transfer_id=row.transfer_id,
        channel_id=row.channel_id,
        reference=row.reference,
        amount_minor=row.amount_minor,
        note=row.note,
        state=row.state,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
