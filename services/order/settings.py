"""What the order service reads from its environment."""

from datetime import timedelta

from pydantic import Field

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """The order service's settings. Times in seconds."""

    database_url: str = Field(validation_alias="KAQUAN_ORDER_DATABASE_URL")
    port: int = Field(default=8101, validation_alias="KAQUAN_ORDER_PORT")
    inventory_url: str = Field(default="http://127.0.0.1:8102", validation_alias="KAQUAN_INVENTORY_URL")
    risk_url: str = Field(default="http://127.0.0.1:8106", validation_alias="KAQUAN_RISK_URL")
    settlement_url: str = Field(default="http://127.0.0.1:8105", validation_alias="KAQUAN_SETTLEMENT_URL")
    gateway_url: str = Field(default="http://127.0.0.1:8000", validation_alias="KAQUAN_GATEWAY_URL")
    risk_timeout_s: float = Field(default=0.3, gt=0, validation_alias="KAQUAN_ORDER_RISK_TIMEOUT_S")
    sandbox_payment_url: str = Field(default="http://127.0.0.1:8201", validation_alias="KAQUAN_SANDBOX_PAYMENT_URL")
    sandbox_payment_page_url: str | None = Field(default=None, validation_alias="KAQUAN_SANDBOX_PAYMENT_PAGE_URL")
    sandbox_merchant_id: str = "kaquan-sandbox"
    pay_window_s: float = Field(default=900, gt=0, validation_alias="KAQUAN_ORDER_PAY_WINDOW_S")
    review_within_s: float = Field(default=86_400, gt=0, validation_alias="KAQUAN_ORDER_REVIEW_WITHIN_S")
    cancel_every_s: float = Field(default=5, gt=0, validation_alias="KAQUAN_ORDER_CANCEL_EVERY_S")
    judge_every_s: float = Field(default=1, gt=0, validation_alias="KAQUAN_ORDER_JUDGE_EVERY_S")
    query_every_s: float = Field(default=5, gt=0, validation_alias="KAQUAN_ORDER_QUERY_EVERY_S")
    refund_every_s: float = Field(default=1, gt=0, validation_alias="KAQUAN_ORDER_REFUND_EVERY_S")
    nudge_every_s: float = Field(default=10, gt=0, validation_alias="KAQUAN_ORDER_NUDGE_EVERY_S")

    @property
    def pay_window(self) -> timedelta:
        return timedelta(seconds=self.pay_window_s)

    @property
    def review_within(self) -> timedelta:
        """How long after its payment a held order waits for somebody's word before it is refunded."""
        return timedelta(seconds=self.review_within_s)
