"""What the sandbox supplier reads from its environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """Where it listens, where it keeps its orders, and how long a top-up takes it."""

    port: int = Field(default=8202, validation_alias="KAQUAN_SANDBOX_SUPPLIER_PORT")
    local_dir: Path = Path(".local")
    sandbox_supplier_processing_s: float = Field(default=0.2, ge=0)

    @property
    def state_file(self) -> Path:
        return self.local_dir / "sandbox-supplier.sqlite"
