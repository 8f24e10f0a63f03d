"""How what may go wrong is answered over HTTP. The one table from errors to codes."""

from collections.abc import Mapping

from services.order.clients.accounts import AccountRefusedError, ChannelUnknownError, DailyLimitError
from services.order.clients.neighbours import StockInsufficientError
from services.order.clients.providers import ProviderUnknownError
from services.order.domain.buyer_fields import BuyerFieldsError
from services.order.domain.channels import (
    ChannelNotActiveError,
    ChannelOrderNotFoundError,
    CurrencyError,
    ExternalIdReusedError,
    NotForChannelError,
    PriceAboveMaxError,
)
from services.order.domain.contacts import ContactError
from services.order.domain.limits import PurchaseLimitError
from services.order.domain.numbers import OrderNumberError
from services.order.domain.offers import ChoiceError
from services.order.domain.order_links import OrderLinkError
from services.order.domain.orders import UnknownComponentError
from services.order.domain.payments import OrderNotPayableError, TooManyPaymentsError
from services.order.domain.pricing import (
    MixedCurrencyError,
    PriceChangedError,
    QuantityError,
    SkuOffShelfError,
    SkuUnknownError,
    TierRequiredError,
)
from services.order.domain.refunds import RefundNotInReviewError
from services.order.domain.returns import NotPaidError, NotRefundableError
from services.order.domain.states import IllegalMoveError
from services.order.domain.tickets import (
    AlreadyRatedError,
    EvidenceRefusedError,
    TicketDecidedError,
    TicketNotAllowedError,
    TicketUnknownError,
)
from services.order.domain.webhooks import WebhookAddressError, WebhookUnknownError
from services.order.queries.watch import TooManyWatchesError
from services.order.usecases.changes import OrderNotFoundError
from services.order.usecases.checkout import CheckoutInProgressError, KeyReusedError
from services.order.usecases.messages import MessageUnknownError
from services.order.usecases.refunds import NothingToRefundError
from services.order.usecases.tickets import TicketOpenError
from shared.crypto.webhooks import WebhookSecretError
from shared.http import ProblemSpec

PROBLEMS: Mapping[type[Exception], ProblemSpec] = {
    SkuUnknownError: ProblemSpec(404, "sku.unknown", "There is no such SKU"),
    SkuOffShelfError: ProblemSpec(409, "sku.off_shelf", "The SKU is not on sale"),
    QuantityError: ProblemSpec(400, "quantity.out_of_range", "The quantity is out of range"),
    MixedCurrencyError: ProblemSpec(400, "currency.mixed", "One order is paid in one currency"),
    TierRequiredError: ProblemSpec(403, "tier.required", "This is sold to other tiers, or not yet to this one"),
    PurchaseLimitError: ProblemSpec(409, "purchase.limit", "One buyer may not have more of it"),
    ChoiceError: ProblemSpec(422, "choice.invalid", "What was chosen is not what there is to choose"),
    BuyerFieldsError: ProblemSpec(422, "buyer_fields.invalid", "Something the goods need is missing or wrong"),
    PriceChangedError: ProblemSpec(409, "price.changed", "The price has changed"),
    ContactError: ProblemSpec(400, "contact.invalid", "A guest must be reachable"),
    StockInsufficientError: ProblemSpec(409, "stock.insufficient", "There is not enough left"),
    KeyReusedError: ProblemSpec(422, "idempotency.reused", "The Idempotency-Key was used for another request"),
    CheckoutInProgressError: ProblemSpec(409, "idempotency.in_progress", "The same request is still being worked on"),
    OrderNumberError: ProblemSpec(400, "order_no.mistyped", "The order number is mistyped"),
    OrderNotFoundError: ProblemSpec(404, "order.not_found", "There is no such order"),
    OrderNotPayableError: ProblemSpec(409, "order.not_payable", "The order cannot be paid"),
    TooManyPaymentsError: ProblemSpec(409, "payment.too_many", "The order was tried to be paid too often"),
    ProviderUnknownError: ProblemSpec(404, "payment.provider_unknown", "There is no such payment provider"),
    NotPaidError: ProblemSpec(409, "order.not_paid", "The order is not paid"),
    NotRefundableError: ProblemSpec(409, "refund.not_refundable", "Something of it is given back already"),
    NothingToRefundError: ProblemSpec(409, "refund.nothing_left", "There is nothing to give back"),
    UnknownComponentError: ProblemSpec(404, "component.unknown", "The order has no such line or component"),
    RefundNotInReviewError: ProblemSpec(409, "refund.not_in_review", "There is nothing to decide"),
    IllegalMoveError: ProblemSpec(409, "order.illegal_move", "The order's state does not allow it"),
    AccountRefusedError: ProblemSpec(402, "account.insufficient", "The account does not pay for it"),
    DailyLimitError: ProblemSpec(402, "account.daily_limit", "The account's limit of the day is reached"),
    ChannelUnknownError: ProblemSpec(404, "channel.not_found", "There is no such channel"),
    ChannelNotActiveError: ProblemSpec(403, "channel.not_active", "The channel cannot buy"),
    ChannelOrderNotFoundError: ProblemSpec(404, "order.not_found", "There is no such order"),
    NotForChannelError: ProblemSpec(403, "sku.not_for_channel", "This is not sold to the channel"),
    PriceAboveMaxError: ProblemSpec(409, "price.above_max", "It costs more than the channel would pay"),
    CurrencyError: ProblemSpec(409, "currency.not_the_accounts", "The account is kept in another currency"),
    ExternalIdReusedError: ProblemSpec(422, "external_id.reused", "The number belongs to another order"),
    OrderLinkError: ProblemSpec(410, "order.link_invalid", "The link is not good (any more)"),
    MessageUnknownError: ProblemSpec(404, "message.not_found", "There is no such message"),
    WebhookAddressError: ProblemSpec(422, "webhook.address_refused", "Webhooks are not sent there"),
    WebhookSecretError: ProblemSpec(422, "webhook.secret_invalid", "That is no webhook secret"),
    WebhookUnknownError: ProblemSpec(404, "webhook.not_found", "There is no such webhook or message"),
    TicketUnknownError: ProblemSpec(404, "ticket.not_found", "There is no such ticket"),
    TicketOpenError: ProblemSpec(409, "ticket.already_open", "There is an open ticket about this"),
    TicketNotAllowedError: ProblemSpec(409, "ticket.not_allowed", "This cannot be asked for here"),
    TicketDecidedError: ProblemSpec(409, "ticket.decided", "The ticket was decided already"),
    AlreadyRatedError: ProblemSpec(409, "ticket.not_to_rate", "The ticket cannot be rated (again)"),
    EvidenceRefusedError: ProblemSpec(422, "evidence.refused", "This is no evidence that is taken"),
    TooManyWatchesError: ProblemSpec(503, "stream.full", "Too many streams are open"),
}
