from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from shared.settings import Environment, PlatformSettings, ProcessRole, read_key

KEY = "ab" * 32


class OrderSettings(PlatformSettings):
    database_url: str = Field(
        default="postgresql+asyncpg://order:order@127.0.0.1/order", validation_alias="KAQUAN_ORDER_DATABASE_URL"
    )


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "internal.key").write_text(KEY)
    (tmp_path / "internal.key").chmod(0o600)
    monkeypatch.setenv("KAQUAN_ENVIRONMENT", "production")
    monkeypatch.setenv("KAQUAN_KEYS_DIR", str(tmp_path))
    monkeypatch.setenv("KAQUAN_ORDER_DATABASE_URL", "postgresql+asyncpg://order:Ak2bQp9x@db/order")
    return tmp_path


def test_roles_are_a_comma_list_and_all_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PlatformSettings().roles == frozenset(ProcessRole)
    monkeypatch.setenv("KAQUAN_ROLES", "api, jobs")
    assert PlatformSettings().roles == {ProcessRole.API, ProcessRole.JOBS}


def test_an_unknown_role_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAQUAN_ROLES", "api,cook")
    with pytest.raises(ValidationError):
        PlatformSettings()


def test_a_service_reads_its_own_variables_and_tests_may_use_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAQUAN_ORDER_DATABASE_URL", "postgresql://elsewhere/order")
    assert OrderSettings().database_url == "postgresql://elsewhere/order"
    assert OrderSettings(database_url="postgresql://here/order").database_url == "postgresql://here/order"


def test_production_with_its_own_secrets_starts(production: Path) -> None:
    settings = OrderSettings()
    assert settings.environment is Environment.PRODUCTION
    assert settings.keys_dir == production


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("KAQUAN_ORDER_DATABASE_URL", "postgresql://order:order@db/order", "default password"),
        ("KAQUAN_ORDER_DATABASE_URL", "postgresql://order:changeme@db/order", "default password"),
        ("KAQUAN_ORDER_DATABASE_URL", "postgresql://order@db/order", "default password"),
        ("KAQUAN_KAFKA_FLAVOUR", "embedded", "keeps nothing"),
        ("KAQUAN_KEYS_DIR", ".local/keys", "not the development"),
    ],
)
def test_production_refuses_what_is_for_development(
    production: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    assert production.is_dir()
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError, match=reason):
        OrderSettings()


def test_production_refuses_keys_that_everybody_can_read(production: Path) -> None:
    (production / "internal.key").chmod(0o644)
    with pytest.raises(ValidationError, match=r"internal\.key can be read"):
        OrderSettings()


def test_a_refusal_does_not_show_the_password(production: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert production.is_dir()
    monkeypatch.setenv("KAQUAN_ORDER_DATABASE_URL", "postgresql://order:postgres@db/order")
    with pytest.raises(ValidationError) as refusal:
        OrderSettings()
    assert "order:postgres" not in str(refusal.value)


def test_a_key_is_hex_text(tmp_path: Path) -> None:
    (tmp_path / "internal.key").write_text(KEY + "\n")
    assert read_key(tmp_path, "internal.key") == bytes.fromhex(KEY)


@pytest.mark.parametrize("text", ["zz" * 32, "ab" * 8, ""])
def test_a_bad_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "internal.key").write_text(text)
    with pytest.raises(ValueError, match=r"internal\.key") as refusal:
        read_key(tmp_path, "internal.key")
    assert not text or text not in str(refusal.value)
