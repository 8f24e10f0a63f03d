"""The chart of accounts. An account is named by what it is, whose it is, and its one currency."""

from enum import StrEnum
from functools import lru_cache
from uuid import UUID

REMEMBERED = 20_000
"""Codes kept in memory: a journal names a handful, and they are always the same."""


class AccountKind(StrEnum):
    """What an account stands for."""

    PROVIDER_RECEIVABLE = "provider_receivable"
    """Asset: what a payment provider has collected and owes us, net of its fee. Owner: the provider's name."""

    PROVIDER_FEES = "provider_fees"
    """Expense: what providers keep. Owner: the provider's name."""

    CARD_STOCK = "card_stock"
    """Asset: imported cards, at cost. Down as cards are issued (may stand negative until purchases are booked), up as
    unseen ones come back."""

    SUPPLIER_PAYABLE = "supplier_payable"
    """Liability: what a supplier who delivered over its interface is owed. Owner: the supplier's id."""

    CARD_COST = "card_cost"
    """Expense: what the goods cost that were delivered and did not come back unseen."""

    UNEARNED = "unearned"
    """Liability: buyers' money that nobody has earned yet, or that bought nothing and goes back."""

    PAYABLE = "payable"
    """Liability: what a partner has earned. Owner: the partner's id."""

    DEFERRED = "deferred"
    """Liability: a partner's share that becomes payable when the card is redeemed. Owner: the partner's id."""

    PLATFORM_REVENUE = "platform_revenue"
    """Income: the platform's own share."""

    PLATFORM_DEFERRED = "platform_deferred"
    """Liability: the platform's share that waits for redemption."""

    CHANNEL_FUNDS = "channel_funds"
    """Liability: what a channel has paid in beforehand and not spent; negative within its credit. Owner: the channel's id."""

    BANK = "bank"
    """Asset: what channels have sent to our bank account."""

    POINTS_LIABILITY = "points_liability"
    """Liability: what the points in members' hands will cost."""

    MARKETING_EXPENSE = "marketing_expense"
    """Expense: what points cost when they are given."""


DEFERRED_KINDS = frozenset({AccountKind.DEFERRED, AccountKind.PLATFORM_DEFERRED})

DEBIT_NORMAL = frozenset(
    {
        AccountKind.PROVIDER_RECEIVABLE,
        AccountKind.PROVIDER_FEES,
        AccountKind.CARD_STOCK,
        AccountKind.CARD_COST,
        AccountKind.BANK,
        AccountKind.MARKETING_EXPENSE,
    }
)
"""Assets and expenses: a debit makes them larger. All others grow by credits."""


@lru_cache(maxsize=REMEMBERED)
def account(kind: AccountKind, currency: str, owner: UUID | str | None = None) -> str:
    """The account's code, its natural key: `payable:<partner id>:CNY`, `unearned::CNY`."""
    return f"{kind}:{owner or ''}:{currency}"


def kind_of(code: str) -> AccountKind:
    """What the account with this code stands for."""
    return AccountKind(code.partition(":")[0])


def owner_of(code: str) -> str | None:
    """Whose account it is; None for the platform's own."""
    return code.split(":")[1] or None
