"""The port of payment providers: what order asks of any of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from services.order.domain.payments import Receipt


class NotifyRejectedError(Exception):
    """A notify that cannot be believed or read. `code` says why; `payment_no` is set only if the signature held."""

    def __init__(self, code: str, detail: str, *, payment_no: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.payment_no = payment_no


class ProviderUnavailableError(Exception):
    """The provider did not answer, or not in a way that can be understood: what it did is not known."""


class ProviderUnknownError(Exception):
    """No such payment provider is set up here."""


class RefundAnswer(StrEnum):
    """What a provider says of a refund. `unknown`: it has never heard of it."""

    SENT = "sent"
    PROCESSING = "processing"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RefundResult:
    """A provider's answer on a refund, with its reason where it refuses."""

    answer: RefundAnswer
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToPay:
    """A payment to be made. The order's number is shown to the buyer by the provider."""

    payment_id: UUID
    order_id: UUID
    order_no: str
    amount_minor: int
    currency: str
    pay_before: datetime


@dataclass(frozen=True, slots=True)
class ToRefund:
    """Money to be sent back; the provider knows both by the ids' hex forms, and does each refund once."""

    refund_id: UUID
    payment_id: UUID
    amount_minor: int
    payment_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a provider expects to read once its notify was taken."""

    body: bytes
    media_type: str


class MoneyKeeper(Protocol):
    """Where money of orders is: asked about payments, told to send refunds."""

    async def query_payment(self, payment_id: UUID) -> Receipt | None:
        """What has come in for a payment; None while nothing has.

        :raises ProviderUnavailableError: that is not known.
        """

    async def refund(self, refund: ToRefund) -> RefundResult:
        """Send money back; asked again for the same refund, nothing is sent twice.

        :raises ProviderUnavailableError: whether it was done is not known.
        """

    async def query_refund(self, refund: ToRefund) -> RefundResult:
        """What became of a refund.

        :raises ProviderUnavailableError: that is not known.
        """


class PaymentProvider(MoneyKeeper, Protocol):
    """One provider that buyers pay at. These are pure; the others call it."""

    @property
    def acknowledgement(self) -> Acknowledgement:
        """The answer to a notify that was taken, or had been before."""

    def begin(self, payment: ToPay) -> Mapping[str, str]:
        """What the buyer's client needs to pay."""

    def read_notify(self, body: bytes) -> Receipt:
        """What a notify reports.

        :raises NotifyRejectedError: it is not signed by the provider, not for us, or cannot be read.
        """


Keeper_co = TypeVar("Keeper_co", bound=MoneyKeeper, covariant=True)


class Providers(Generic[Keeper_co]):
    """The providers that are set up, by name."""

    def __init__(self, providers: Mapping[str, Keeper_co]) -> None:
        self._providers = providers

    def __getitem__(self, name: str) -> Keeper_co:
        """:raises ProviderUnknownError: it is not set up."""
        provider = self._providers.get(name)
        if provider is None:
            raise ProviderUnknownError(name)
        return provider
