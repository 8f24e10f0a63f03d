"""The one place where the risk service reads its environment."""

from datetime import timedelta

from pydantic import Field

from shared.settings import Environment, PlatformSettings

SCALE_OF_DEVELOPMENT = 1_000
"""A load driver and a demonstration come from one machine; nobody is protected by stopping them."""


class Settings(PlatformSettings):
    """`threshold_scale` multiplies the limits of a new installation's rules; later they are changed as rules."""

    database_url: str = Field(validation_alias="KAQUAN_RISK_DATABASE_URL")
    port: int = Field(default=8106, validation_alias="KAQUAN_RISK_PORT")
    threshold_scale: int | None = Field(default=None, ge=1, validation_alias="KAQUAN_RISK_THRESHOLD_SCALE")
    case_due_minutes: int = Field(default=30, ge=1, validation_alias="KAQUAN_RISK_CASE_DUE_MINUTES")

    @property
    def scale(self) -> int:
        """1 in production unless said otherwise."""
        if self.threshold_scale is not None:
            return self.threshold_scale
        return 1 if self.environment is Environment.PRODUCTION else SCALE_OF_DEVELOPMENT

    @property
    def case_due_after(self) -> timedelta:
        """How long a held order may wait before its case is marked overdue."""
        return timedelta(minutes=self.case_due_minutes)
