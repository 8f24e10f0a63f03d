"""What the order service reads from its environment."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from services.order.clients.couriers import Security, WechatTemplate
from services.order.domain.messages import Occasion
from services.order.domain.tickets import Deadlines
from shared.settings import InsecureSettingsError, PlatformSettings


class ChannelSettings(PlatformSettings):
    """By which ways messages leave the house. A way without its address is not set up; passwords are in key files."""

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_security: Security = Security.STARTTLS
    smtp_user: str | None = None
    smtp_ca_file: str | None = None
    mail_from: str = "no-reply@kaquan.example"
    mail_from_name: str = "卡券"
    sms_url: str | None = None
    sms_access_key_id: str = ""
    sms_sign_name: str = "卡券"
    sms_templates: dict[Occasion, str] = Field(default_factory=dict)
    wechat_url: str | None = None
    wechat_app_id: str = ""
    wechat_order_page: str = "pages/order/index"
    wechat_templates: dict[Occasion, WechatTemplate] = Field(default_factory=dict)
    channel_timeout_s: float = Field(default=10, gt=0, le=10)

    @model_validator(mode="after")
    def _refuse_open_mail(self) -> Self:
        if self.is_production and self.smtp_host and self.smtp_security is Security.NONE:
            raise InsecureSettingsError("mail goes over TLS or STARTTLS")
        return self


class Settings(ChannelSettings):
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
    webhook_every_s: float = Field(default=1, gt=0, validation_alias="KAQUAN_ORDER_WEBHOOK_EVERY_S")
    nudge_every_s: float = Field(default=10, gt=0, validation_alias="KAQUAN_ORDER_NUDGE_EVERY_S")

    membership_url: str = Field(default="http://127.0.0.1:8103", validation_alias="KAQUAN_MEMBERSHIP_URL")
    shop_url: str | None = Field(default=None, validation_alias="KAQUAN_SHOP_URL")
    order_link_life_s: float = Field(default=259_200, gt=0, validation_alias="KAQUAN_ORDER_LINK_LIFE_S")
    ticket_open_within_days: int = Field(default=30, ge=1, le=3_650, validation_alias="KAQUAN_TICKET_OPEN_WITHIN_DAYS")
    ticket_answer_within_h: float = Field(default=24, gt=0, validation_alias="KAQUAN_TICKET_ANSWER_WITHIN_H")
    ticket_silence_days: float = Field(default=7, gt=0, validation_alias="KAQUAN_TICKET_SILENCE_DAYS")
    ticket_every_s: float = Field(default=2, gt=0, validation_alias="KAQUAN_ORDER_TICKET_EVERY_S")
    message_every_s: float = Field(default=1, gt=0, validation_alias="KAQUAN_ORDER_MESSAGE_EVERY_S")

    @property
    def pages_url(self) -> str:
        """Where buyers' pages are; the gateway's address unless said otherwise."""
        return (self.shop_url or self.gateway_url).rstrip("/")

    @property
    def pay_window(self) -> timedelta:
        return timedelta(seconds=self.pay_window_s)

    @property
    def order_link_life(self) -> timedelta:
        """For how long the link in a guest's message opens the order."""
        return timedelta(seconds=self.order_link_life_s)

    @property
    def ticket_deadlines(self) -> Deadlines:
        """By when tickets are opened and answered."""
        return Deadlines(
            open_within=timedelta(days=self.ticket_open_within_days),
            shop_answers_within=timedelta(hours=self.ticket_answer_within_h),
            buyer_answers_within=timedelta(days=self.ticket_silence_days),
        )

    @property
    def review_within(self) -> timedelta:
        """How long after its payment a held order waits for somebody's word before it is refunded."""
        return timedelta(seconds=self.review_within_s)
