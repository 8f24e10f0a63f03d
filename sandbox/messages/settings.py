"""What the sandbox for messages reads from its environment."""

from pydantic import Field

from shared.settings import PlatformSettings


class Settings(PlatformSettings):
    """Where it listens: HTTP on one port, mail on another."""

    port: int = Field(default=8203, validation_alias="KAQUAN_SANDBOX_MESSAGES_PORT")
    smtp_port: int = Field(default=8204, validation_alias="KAQUAN_SANDBOX_SMTP_PORT")

    def secret(self, name: str) -> str:
        """What a provider and its customer share: text."""
        return (self.keys_dir / name).read_text(encoding="utf-8").strip()
