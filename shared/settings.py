"""Base settings of every process, and the one reader of key files. Only `settings.py` modules read the environment."""

import stat
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIN_KEY_BYTES = 32
"""Keys are for HMAC-SHA256 and AES-256; a shorter one is a mistake."""

_DEFAULT_PASSWORDS = frozenset({"", "admin", "changeme", "example", "kaquan", "password", "postgres", "secret"})
_OTHERS_MAY_READ = stat.S_IROTH | stat.S_IWOTH
_DEVELOPMENT_KEYS_DIR = Path(".local/keys")


class Environment(StrEnum):
    """Where a process runs. In production it refuses whatever a development machine may be lax about."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class ProcessRole(StrEnum):
    """What one process of a service does. Locally all at once; on a cluster each is its own Deployment."""

    API = "api"
    CONSUMER = "consumer"
    RELAY = "relay"
    JOBS = "jobs"


class InsecureSettingsError(ValueError):
    """A production process was given something only fit for development."""


class PlatformSettings(BaseSettings):
    """What every process reads, from variables that start with `KAQUAN_`.

    A service's `Settings` adds `database_url`, `port` and the addresses of those it calls, each with its own
    `validation_alias` such as `KAQUAN_ORDER_DATABASE_URL`; in tests the fields may be given by name.
    """

    model_config = SettingsConfigDict(
        env_prefix="KAQUAN_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    environment: Environment = Environment.DEVELOPMENT
    host: str = "127.0.0.1"
    keys_dir: Path = _DEVELOPMENT_KEYS_DIR
    roles: Annotated[frozenset[ProcessRole], NoDecode] = frozenset(ProcessRole)
    kafka_bootstrap: str = "127.0.0.1:8301"
    kafka_flavour: Literal["kafka", "embedded"] = "kafka"
    db_pool_size: int = Field(default=8, ge=1, le=200)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str | None = None
    trace_sample_ratio: float = Field(default=0.01, ge=0.0, le=1.0)

    @field_validator("roles", mode="before")
    @classmethod
    def _split_roles(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _refuse_development_secrets(self) -> Self:
        if self.environment is not Environment.PRODUCTION:
            return self
        if self.kafka_flavour == "embedded":
            raise InsecureSettingsError("the embedded broker keeps nothing: it is for trying the product")
        if self.keys_dir == _DEVELOPMENT_KEYS_DIR:
            raise InsecureSettingsError("production keys are not the development stack's: set KAQUAN_KEYS_DIR")
        for name in type(self).model_fields:
            if name.endswith("_url") and _has_default_password(getattr(self, name)):
                raise InsecureSettingsError(f"{name} carries a default password")
        _refuse_readable_keys(self.keys_dir)
        return self

    @property
    def is_production(self) -> bool:
        return self.environment is Environment.PRODUCTION


def read_key(keys_dir: Path, name: str) -> bytes:
    """The bytes of a key that is kept as hex text, such as `internal.key`.

    :raises ValueError: the file is not hex text, or the key is shorter than 32 bytes. The text is never shown.
    :raises FileNotFoundError: there is no such key.
    """
    text = (keys_dir / name).read_text(encoding="ascii").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{name} is not hex text") from None
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"{name} holds {len(key)} bytes; {MIN_KEY_BYTES} are needed")
    return key


def _has_default_password(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    if parts.username is None:
        return False
    return (parts.password or "") in _DEFAULT_PASSWORDS | {parts.username}


def _refuse_readable_keys(keys_dir: Path) -> None:
    for path in sorted(keys_dir.iterdir()):
        if path.is_file() and path.stat().st_mode & _OTHERS_MAY_READ:
            raise InsecureSettingsError(f"{path.name} can be read by everybody on this machine: take that right away")
