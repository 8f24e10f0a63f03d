"""What the sandbox provider reads from its environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """Where it listens, and where it keeps what it has received."""

    port: int = Field(default=8201, validation_alias="KAQUAN_SANDBOX_PAYMENT_PORT")
    local_dir: Path = Path(".local")
    sandbox_merchant_id: str = "kaquan-sandbox"

    @property
    def state_file(self) -> Path:
        return self.local_dir / "sandbox-payment.sqlite"
