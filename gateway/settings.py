"""What the gateway reads from its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """Where the services are, which proxies to believe, where the built pages lie, and how wide the rate limits stand."""

    port: int = Field(default=8000, validation_alias="KAQUAN_GATEWAY_PORT")
    order_url: str = Field(default="http://127.0.0.1:8101", validation_alias="KAQUAN_ORDER_URL")
    inventory_url: str = Field(default="http://127.0.0.1:8102", validation_alias="KAQUAN_INVENTORY_URL")
    membership_url: str = Field(default="http://127.0.0.1:8103", validation_alias="KAQUAN_MEMBERSHIP_URL")
    points_url: str = Field(default="http://127.0.0.1:8104", validation_alias="KAQUAN_POINTS_URL")
    settlement_url: str = Field(default="http://127.0.0.1:8105", validation_alias="KAQUAN_SETTLEMENT_URL")
    risk_url: str = Field(default="http://127.0.0.1:8106", validation_alias="KAQUAN_RISK_URL")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("127.0.0.1", "::1"), validation_alias="KAQUAN_GATEWAY_TRUSTED_PROXIES"
    )
    rate_factor: float = Field(default=1.0, gt=0, validation_alias="KAQUAN_GATEWAY_RATE_FACTOR")

    pages_dir: Path | None = Field(default=None, validation_alias="KAQUAN_PAGES_DIR")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def service_urls(self) -> dict[str, str]:
        """The services by name, in the order in which the dashboard shows them."""
        return {
            "order": self.order_url,
            "inventory": self.inventory_url,
            "membership": self.membership_url,
            "points": self.points_url,
            "settlement": self.settlement_url,
            "risk": self.risk_url,
        }
