"""Journals: what an event does to the ledger, written as postings that move an amount from one account to another.

A posting names the account it debits, the account it credits and one amount above zero: the two sides cannot differ,
so an unbalanced journal cannot be written down.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from services.settlement.domain.accounts import DEFERRED_KINDS, AccountKind, account, kind_of
from services.settlement.domain.channels import PROVIDER
from services.settlement.domain.components import Sale
from services.settlement.domain.contracts import PartyKind
from services.settlement.domain.split import Leg, unit_share

_JOURNAL_IDS = UUID("6f0b5a0e-6b0a-5d35-9c6e-0d6f1c9a7e11")
"""The namespace under which a journal's id is made from its business key."""


class JournalKind(StrEnum):
    """Why money moved. With the subject's id it is the journal's business key: each happens once."""

    CASH_IN = "cash.in"  # subject: the order
    CASH_OUT = "cash.out"  # subject: the refund
    SURPLUS_IN = "surplus.in"  # subject: the payment
    SURPLUS_OUT = "surplus.out"  # subject: the refund
    CARD_COST = "card.cost"  # subject: the component
    CARD_COST_BACK = "card.cost.back"  # subject: the component
    POINTS_COST = "points.cost"  # subject: the component
    POINTS_BACK = "points.back"  # subject: the component
    SPLIT = "split"  # subject: the component
    SPLIT_BACK = "split.back"  # subject: the component
    REDEMPTION = "redemption"  # subject: the redemption; before it had an id here, the entitlement
    REDEMPTION_UNDONE = "redemption.undone"  # subject: the redemption
    CHANNEL_TRANSFER = "channel.transfer"  # subject: the transfer
    CHANNEL_PURCHASE = "channel.purchase"  # subject: the order
    CHANNEL_REFUND = "channel.refund"  # subject: the refund


class Posting(NamedTuple):
    """`amount_minor` moves: `debit` and `credit` are account codes. A partner's movement names partner and part played."""

    debit: str
    credit: str
    amount_minor: int
    partner_id: UUID | None = None
    party: PartyKind | None = None


class Journal(NamedTuple):
    """Postings that belong together, all of one currency. `subject_id` is what the kind says; a transfer has no order."""

    kind: JournalKind
    subject_id: UUID
    order_id: UUID | None
    component_id: UUID | None
    currency: str
    postings: tuple[Posting, ...]

    @property
    def journal_id(self) -> UUID:
        """The id others know it by."""
        return journal_id(self.kind, self.subject_id)


class PostedShare(NamedTuple):
    """A posting that shared a component's price, or moved a share on, with the kind of its journal."""

    kind: JournalKind
    posting: Posting


class ProviderMissingError(Exception):
    """Money is said to have moved, but not through whom."""


class FeeError(Exception):
    """The provider's fee is larger than the payment."""


def journal_id(kind: JournalKind, subject_id: UUID) -> UUID:
    """A journal's id follows from its business key (RFC 9562, version 5): posted again, it would be the same one."""
    return uuid5(_JOURNAL_IDS, f"{kind}:{subject_id}")


def cash_in(*, order_id: UUID, currency: str, paid_minor: int, fee_minor: int, provider: str | None) -> Journal | None:
    """A buyer has paid: the provider owes us the net amount, kept its fee, and all of it is still unearned.

    None for a zero-yuan order.

    :raises ProviderMissingError: money came from nobody.
    :raises FeeError: the fee is larger than the payment.
    """
    if paid_minor == 0:
        return None
    if provider is None:
        raise ProviderMissingError(f"order {order_id} was paid {paid_minor} without a provider")
    postings = _received(order_id, currency, paid_minor=paid_minor, fee_minor=fee_minor, provider=provider)
    return _journal(JournalKind.CASH_IN, order_id, order_id, None, currency, postings)


def cash_out(
    *, refund_id: UUID, order_id: UUID, currency: str, amount_minor: int, provider: str | None
) -> Journal | None:
    """The provider gave money back to the buyer. None where nothing went back.

    :raises ProviderMissingError: money went back through nobody.
    """
    if amount_minor == 0:
        return None
    if provider is None:
        raise ProviderMissingError(f"refund {refund_id} of {amount_minor} has no provider")
    posting = _given_back(currency, amount_minor=amount_minor, provider=provider)
    return _journal(JournalKind.CASH_OUT, refund_id, order_id, None, currency, (posting,))


def surplus_in(
    *, payment_id: UUID, order_id: UUID, currency: str, paid_minor: int, fee_minor: int, provider: str
) -> Journal:
    """Money has come that buys nothing: the provider owes it to us and has kept its fee, and nobody will ever earn it.

    :raises FeeError: the fee is larger than the payment.
    """
    postings = _received(order_id, currency, paid_minor=paid_minor, fee_minor=fee_minor, provider=provider)
    return _journal(JournalKind.SURPLUS_IN, payment_id, order_id, None, currency, postings)


def surplus_out(*, refund_id: UUID, order_id: UUID, currency: str, amount_minor: int, provider: str) -> Journal:
    """The provider gave back money that bought nothing."""
    posting = _given_back(currency, amount_minor=amount_minor, provider=provider)
    return _journal(JournalKind.SURPLUS_OUT, refund_id, order_id, None, currency, (posting,))


def card_cost(
    *, component_id: UUID, order_id: UUID, currency: str, cost_minor: int, supplier_id: UUID | None
) -> Journal | None:
    """The delivered goods leave our stock, or are owed to the supplier who delivered them. None if they cost nothing."""
    if cost_minor == 0:
        return None
    source = (
        account(AccountKind.CARD_STOCK, currency)
        if supplier_id is None
        else account(AccountKind.SUPPLIER_PAYABLE, currency, supplier_id)
    )
    posting = Posting(account(AccountKind.CARD_COST, currency), source, cost_minor)
    return _journal(JournalKind.CARD_COST, component_id, order_id, component_id, currency, (posting,))


def card_cost_back(*, component_id: UUID, order_id: UUID, currency: str, cost_minor: int) -> Journal | None:
    """Unseen cards of a refunded component are stock again, at what they cost. None if they cost nothing."""
    if cost_minor == 0:
        return None
    stock = account(AccountKind.CARD_STOCK, currency)
    posting = Posting(stock, account(AccountKind.CARD_COST, currency), cost_minor)
    return _journal(JournalKind.CARD_COST_BACK, component_id, order_id, component_id, currency, (posting,))


def points_cost(*, component_id: UUID, order_id: UUID, currency: str, cost_minor: int) -> Journal | None:
    """Points were given: an expense now, a liability until they are spent. None for no points."""
    if cost_minor == 0:
        return None
    liability = account(AccountKind.POINTS_LIABILITY, currency)
    posting = Posting(account(AccountKind.MARKETING_EXPENSE, currency), liability, cost_minor)
    return _journal(JournalKind.POINTS_COST, component_id, order_id, component_id, currency, (posting,))


def points_back(*, component_id: UUID, order_id: UUID, currency: str, cost_minor: int) -> Journal | None:
    """Points of a refunded component are back, and so is their cost. None for no points."""
    if cost_minor == 0:
        return None
    liability = account(AccountKind.POINTS_LIABILITY, currency)
    posting = Posting(liability, account(AccountKind.MARKETING_EXPENSE, currency), cost_minor)
    return _journal(JournalKind.POINTS_BACK, component_id, order_id, component_id, currency, (posting,))


def split_postings(sale: Sale, legs: Sequence[Leg]) -> Journal:
    """A component's unearned money goes to its parties. Without legs (a free component) it only records the decision."""
    unearned = account(AccountKind.UNEARNED, sale.currency)
    postings = tuple(
        Posting(unearned, _account_of(leg, sale.currency), leg.amount_minor, leg.partner_id, leg.party) for leg in legs
    )
    return _journal(JournalKind.SPLIT, sale.component_id, sale.order_id, sale.component_id, sale.currency, postings)


def split_back(*, component_id: UUID, order_id: UUID, currency: str, posted: Iterable[PostedShare]) -> Journal | None:
    """Exactly what was posted for the component's shares, the other way round. None where nothing was."""
    postings = tuple(posting._replace(debit=posting.credit, credit=posting.debit) for _, posting in posted)
    journal = _journal(JournalKind.SPLIT_BACK, component_id, order_id, component_id, currency, postings)
    return journal if journal.postings else None


def redemption(sale: Sale, legs: Sequence[Leg], *, redemption_id: UUID, ordinal: int) -> Journal | None:
    """The `ordinal`-th unit was redeemed: its part of every deferred leg is earned now. None where nothing waited for it.

    :raises OverRedeemedError: the component has fewer units.
    """
    return _redeemed(JournalKind.REDEMPTION, sale, redemption_id, _earned(sale, legs, ordinal=ordinal))


def redemption_undone(sale: Sale, legs: Sequence[Leg], *, redemption_id: UUID, ordinal: int) -> Journal | None:
    """Of `ordinal` redeemed units one is not any more: what the last of them had earned waits again. None for nothing."""
    back = [
        posting._replace(debit=posting.credit, credit=posting.debit) for posting in _earned(sale, legs, ordinal=ordinal)
    ]
    return _redeemed(JournalKind.REDEMPTION_UNDONE, sale, redemption_id, back)


def _earned(sale: Sale, legs: Sequence[Leg], *, ordinal: int) -> list[Posting]:
    return [
        Posting(
            _account_of(leg, sale.currency),
            _account_of(leg._replace(deferred=False), sale.currency),
            unit_share(leg.amount_minor, units=sale.units, ordinal=ordinal),
            leg.partner_id,
            leg.party,
        )
        for leg in legs
        if leg.deferred
    ]


def _redeemed(kind: JournalKind, sale: Sale, redemption_id: UUID, postings: Sequence[Posting]) -> Journal | None:
    journal = _journal(kind, redemption_id, sale.order_id, sale.component_id, sale.currency, tuple(postings))
    return journal if journal.postings else None


def channel_transfer(*, transfer_id: UUID, channel_id: UUID, currency: str, amount_minor: int) -> Journal:
    """Money of a channel has come to our bank; with a negative amount it went back."""
    bank, funds = account(AccountKind.BANK, currency), account(AccountKind.CHANNEL_FUNDS, currency, channel_id)
    posting = Posting(bank, funds, amount_minor) if amount_minor > 0 else Posting(funds, bank, -amount_minor)
    return _journal(JournalKind.CHANNEL_TRANSFER, transfer_id, None, None, currency, (posting,))


def channel_payment(*, subject_id: UUID, order_id: UUID, channel_id: UUID, currency: str, amount_minor: int) -> Journal:
    """A channel's money pays an order (a negative amount), or comes back to it.

    Accounts stand where a payment provider stands: what is taken here is what `cash_in` books as collected by the
    provider `account`, and what comes back is what `cash_out` books as given back. Between the two it stands at zero.
    """
    funds = account(AccountKind.CHANNEL_FUNDS, currency, channel_id)
    collected = account(AccountKind.PROVIDER_RECEIVABLE, currency, PROVIDER)
    if amount_minor < 0:
        posting = Posting(funds, collected, -amount_minor)
        return _journal(JournalKind.CHANNEL_PURCHASE, subject_id, order_id, None, currency, (posting,))
    posting = Posting(collected, funds, amount_minor)
    return _journal(JournalKind.CHANNEL_REFUND, subject_id, order_id, None, currency, (posting,))


def leg_of(posting: Posting) -> Leg:
    """The leg that a posting of a split stands for."""
    if posting.party is None:
        raise ValueError(f"{posting} is nobody's share")
    deferred = kind_of(posting.credit) in DEFERRED_KINDS
    return Leg(posting.party, posting.partner_id, posting.amount_minor, deferred)


def _received(order_id: UUID, currency: str, *, paid_minor: int, fee_minor: int, provider: str) -> tuple[Posting, ...]:
    if fee_minor > paid_minor:
        raise FeeError(f"order {order_id}: a fee of {fee_minor} on {paid_minor}")
    unearned = account(AccountKind.UNEARNED, currency)
    return (
        Posting(account(AccountKind.PROVIDER_RECEIVABLE, currency, provider), unearned, paid_minor - fee_minor),
        Posting(account(AccountKind.PROVIDER_FEES, currency, provider), unearned, fee_minor),
    )


def _given_back(currency: str, *, amount_minor: int, provider: str) -> Posting:
    receivable = account(AccountKind.PROVIDER_RECEIVABLE, currency, provider)
    return Posting(account(AccountKind.UNEARNED, currency), receivable, amount_minor)


def _journal(
    kind: JournalKind,
    subject_id: UUID,
    order_id: UUID | None,
    component_id: UUID | None,
    currency: str,
    postings: tuple[Posting, ...],
) -> Journal:
    moved = tuple(posting for posting in postings if posting.amount_minor)
    return Journal(kind, subject_id, order_id, component_id, currency, moved)


def _account_of(leg: Leg, currency: str) -> str:
    if leg.partner_id is None:
        return account(AccountKind.PLATFORM_DEFERRED if leg.deferred else AccountKind.PLATFORM_REVENUE, currency)
    return account(AccountKind.DEFERRED if leg.deferred else AccountKind.PAYABLE, currency, leg.partner_id)
