"""What the points service reads from its environment."""

from datetime import timedelta

from pydantic import Field

from services.points.domain.earning import Terms
from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """The points service's settings."""

    database_url: str = Field(validation_alias="KAQUAN_POINTS_DATABASE_URL")
    port: int = Field(default=8104, validation_alias="KAQUAN_POINTS_PORT")

    points_pending_days: float = Field(default=7, ge=0, le=365)
    points_lifetime_months: int = Field(default=12, ge=1, le=120)
    points_job_every_s: float = Field(default=15.0, gt=0)

    @property
    def terms(self) -> Terms:
        return Terms(pending_for=timedelta(days=self.points_pending_days), lifetime_months=self.points_lifetime_months)
