"""HTTP to use case to schema."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter

from services.settlement.api import channels, contracts, internal, ledger, partners, statements
from services.settlement.domain.channels import (
    ChannelUnknownError,
    DailySpendError,
    EntryConflictError,
    FourEyesError,
    FundsError,
    PurchaseUnknownError,
    RefundExceedsError,
    TransferDecidedError,
    TransferUnknownError,
)
from services.settlement.domain.contracts import (
    ContractDateError,
    PartyError,
    RemainderError,
    SharesExceedWholeError,
)
from services.settlement.domain.partners import (
    KeyEndedError,
    KeyUnknownError,
    PartnerUnknownError,
    PublicKeyError,
)
from services.settlement.domain.periods import PeriodError
from services.settlement.usecases.books import Books
from shared.crypto import Keyring
from shared.http import ProblemSpec

PROBLEMS: Final[Mapping[type[Exception], ProblemSpec]] = {
    SharesExceedWholeError: ProblemSpec(400, "contract.shares_exceed_whole", "The shares are over 100 %"),
    RemainderError: ProblemSpec(400, "contract.remainder_invalid", "One party takes the remainder, the others a share"),
    PartyError: ProblemSpec(400, "contract.party_invalid", "The parties are not clear"),
    ContractDateError: ProblemSpec(400, "contract.date_invalid", "The contract cannot start then"),
    PartnerUnknownError: ProblemSpec(404, "partner.not_found", "There is no such partner"),
    KeyUnknownError: ProblemSpec(404, "key.not_found", "There is no such key"),
    KeyEndedError: ProblemSpec(409, "key.ended", "The key has ended"),
    PublicKeyError: ProblemSpec(400, "key.public_key_invalid", "The public key does not fit"),
    ChannelUnknownError: ProblemSpec(404, "channel.not_found", "There is no such channel"),
    FundsError: ProblemSpec(402, "account.insufficient", "The account does not hold that much"),
    DailySpendError: ProblemSpec(402, "account.daily_limit", "The account's limit of the day is reached"),
    EntryConflictError: ProblemSpec(409, "account.conflict", "It was booked before with other content"),
    PurchaseUnknownError: ProblemSpec(404, "account.nothing_paid", "No account paid for it"),
    RefundExceedsError: ProblemSpec(409, "account.refund_exceeds", "More would come back than was paid"),
    TransferUnknownError: ProblemSpec(404, "transfer.not_found", "There is no such transfer"),
    TransferDecidedError: ProblemSpec(409, "transfer.decided", "The transfer is decided already"),
    FourEyesError: ProblemSpec(403, "transfer.four_eyes", "Another operator confirms it"),
    PeriodError: ProblemSpec(400, "period.invalid", "There is no statement of that period"),
}


def routers(keyring: Keyring, books: Books) -> Sequence[APIRouter]:
    """All paths of the service."""
    return (
        partners.router(keyring),
        channels.router(books),
        contracts.router(),
        ledger.router(),
        statements.router(),
        internal.router(keyring),
    )


__all__ = ["PROBLEMS", "routers"]
