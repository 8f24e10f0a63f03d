"""What inventory reads from the environment."""

from pydantic import Field

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """`order_url` is asked before a hold past its time is ended.

    `risk_url` is asked before a code is shown: once more after `risk_timeout_s`, and within `risk_within_s` in all.
    `undo_within_minutes` is how long a partner may undo a redemption where the SKU does not say; 0: never.
    A gift waits `gift_hours` to be claimed; a member makes at most `gifts_per_day` in 24 hours.
    """

    database_url: str = Field(validation_alias="KAQUAN_INVENTORY_DATABASE_URL")
    port: int = Field(default=8102, validation_alias="KAQUAN_INVENTORY_PORT")
    order_url: str = Field(default="http://127.0.0.1:8101", validation_alias="KAQUAN_ORDER_URL")
    risk_url: str = Field(default="http://127.0.0.1:8106", validation_alias="KAQUAN_RISK_URL")
    risk_timeout_s: float = Field(default=0.3, gt=0, le=10, validation_alias="KAQUAN_INVENTORY_RISK_TIMEOUT_S")
    risk_within_s: float = Field(default=1.0, gt=0, le=10, validation_alias="KAQUAN_INVENTORY_RISK_WITHIN_S")
    gift_hours: int = Field(default=72, ge=1, le=720, validation_alias="KAQUAN_INVENTORY_GIFT_HOURS")
    gifts_per_day: int = Field(default=20, ge=0, le=10_000, validation_alias="KAQUAN_INVENTORY_GIFTS_PER_DAY")
    undo_within_minutes: int = Field(
        default=30, ge=0, le=43_200, validation_alias="KAQUAN_INVENTORY_UNDO_WITHIN_MINUTES"
    )
