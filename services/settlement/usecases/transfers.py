"""Money that channels send by bank: proposed by one operator, confirmed or rejected by another."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.settlement.domain.channels import (
    EntryConflictError,
    FourEyesError,
    TransferDecidedError,
    TransferState,
    TransferUnknownError,
)
from services.settlement.repository import channels
from services.settlement.usecases.books import Books
from services.settlement.usecases.channels import book_transfer
from shared.clock import new_id
from shared.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class Proposal:
    """A transfer as the bank shows it. Negative: we sent money back."""

    channel_id: UUID
    reference: str
    amount_minor: int
    note: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator says to a transfer."""

    channel_id: UUID
    transfer_id: UUID
    operator_id: UUID
    confirm: bool


async def propose_transfer(uow: UnitOfWork, proposal: Proposal, *, operator_id: UUID, now: datetime) -> UUID:
    """Keep a transfer for a second operator to confirm, once per reference of the bank; answers its id.

    :raises ChannelUnknownError: there is no such channel.
    :raises EntryConflictError: the reference was proposed before with another amount.
    """
    await channels.lock_account(uow, proposal.channel_id)
    known = await channels.find_transfer(uow, proposal.channel_id, reference=proposal.reference)
    if known is not None:
        if known.amount_minor != proposal.amount_minor:
            raise EntryConflictError(f"transfer {proposal.reference} was proposed before with another amount")
        transfer_id: UUID = known.transfer_id
        return transfer_id
    transfer_id = new_id()
    await channels.propose_transfer(
        uow,
        transfer_id=transfer_id,
        channel_id=proposal.channel_id,
        reference=proposal.reference,
        amount_minor=proposal.amount_minor,
        note=proposal.note,
        proposed_by=operator_id,
        now=now,
    )
    return transfer_id


async def decide_transfer(uow: UnitOfWork, books: Books, decision: Decision, *, now: datetime) -> None:
    """Book a transfer, or drop it. Who proposed it may only drop it.

    :raises TransferUnknownError: the channel has none of that id. :raises TransferDecidedError: it is decided.
    :raises FourEyesError: the same operator proposed it. :raises FundsError: the account does not hold so much.
    """
    account = await channels.lock_account(uow, decision.channel_id)
    transfer = await channels.lock_transfer(uow, decision.channel_id, decision.transfer_id)
    if transfer is None:
        raise TransferUnknownError(f"channel {decision.channel_id} has no transfer {decision.transfer_id}")
    if transfer.state != TransferState.PROPOSED.value:
        raise TransferDecidedError(f"the transfer is {transfer.state}")
    if decision.confirm and transfer.proposed_by == decision.operator_id:
        raise FourEyesError("another operator confirms it")
    state = TransferState.CONFIRMED if decision.confirm else TransferState.REJECTED
    if decision.confirm:
        transfer_id, amount_minor = decision.transfer_id, transfer.amount_minor
        await book_transfer(uow, books, account, transfer_id=transfer_id, amount_minor=amount_minor, now=now)
    await channels.decide_transfer(uow, decision.transfer_id, state=state, decided_by=decision.operator_id, now=now)
