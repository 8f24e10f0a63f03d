"""Channels: resellers who buy by API and pay from an account that they fill beforehand."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

PROVIDER = "account"
"""Under this name order books what channels pay with, as if their accounts were a payment provider."""


class EntryKind(StrEnum):
    """Why a channel's balance moved. With the subject's id it is the entry's business key: each happens once."""

    TRANSFER = "transfer"  # subject: the transfer
    PURCHASE = "purchase"  # subject: the order
    REFUND = "refund"  # subject: the refund


class TransferState(StrEnum):
    """Money that came by bank is proposed by one operator and confirmed by another."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Account:
    """A channel's account as it stands. The balance may go down to `-credit_limit_minor`."""

    channel_id: UUID
    currency: str
    balance_minor: int
    credit_limit_minor: int
    daily_spend_max_minor: int | None

    @property
    def available_minor(self) -> int:
        """What may still be spent, the day's limit aside."""
        return self.balance_minor + self.credit_limit_minor


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of a balance; `amount_minor` is what it adds. An order is named where one is the cause."""

    kind: EntryKind
    subject_id: UUID
    channel_id: UUID
    amount_minor: int
    order_id: UUID | None = None


class ChannelUnknownError(Exception):
    """There is no such channel."""


class FundsError(Exception):
    """The account does not hold that much, credit included."""

    def __init__(self, account: Account, *, wanted_minor: int) -> None:
        super().__init__(f"{wanted_minor} are wanted, {account.available_minor} are there")
        self.extra = {"available_minor": account.available_minor, "wanted_minor": wanted_minor}


class DailySpendError(Exception):
    """The channel would spend more in one day than it may."""

    def __init__(self, account: Account, *, spent_minor: int) -> None:
        super().__init__(f"{spent_minor} of {account.daily_spend_max_minor} were spent today")
        self.extra = {"daily_spend_max_minor": account.daily_spend_max_minor, "spent_minor": spent_minor}


class EntryConflictError(Exception):
    """The same purchase, refund or transfer was booked before, with other content."""


class PurchaseUnknownError(Exception):
    """Nothing was bought under this order id."""


class RefundExceedsError(Exception):
    """More would come back than was paid."""


class TransferUnknownError(Exception):
    """There is no such transfer."""


class TransferDecidedError(Exception):
    """Somebody has decided about it already."""


class FourEyesError(Exception):
    """Who proposed a transfer does not confirm it."""


def check_currency(account: Account, currency: str) -> None:
    """See that the money is the account's.

    :raises EntryConflictError: it is in another currency.
    """
    if account.currency != currency:
        raise EntryConflictError(f"the account is kept in {account.currency}, not in {currency}")


def check_funds(account: Account, *, amount_minor: int) -> None:
    """Whether so much may leave the account.

    :raises FundsError: it does not hold that much.
    """
    if amount_minor > account.available_minor:
        raise FundsError(account, wanted_minor=amount_minor)


def check_day(account: Account, *, amount_minor: int, spent_minor: int) -> None:
    """Whether so much may be spent today, on top of what was.

    :raises DailySpendError: it may not.
    """
    limit_minor = account.daily_spend_max_minor
    if limit_minor is not None and spent_minor + amount_minor > limit_minor:
        raise DailySpendError(account, spent_minor=spent_minor)
