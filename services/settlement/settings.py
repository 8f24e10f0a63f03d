from pydantic import Field

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """What the settlement service reads from the environment."""

    database_url: str = Field(
        default="postgresql+asyncpg://settlement@127.0.0.1:8300/settlement",
        validation_alias="KAQUAN_SETTLEMENT_DATABASE_URL",
    )
    port: int = Field(default=8105, validation_alias="KAQUAN_SETTLEMENT_PORT")
