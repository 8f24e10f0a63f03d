"""The Kubernetes manifests: valid, safe, and in step with the code that they run."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev.cluster.__main__ import OVERLAY, differing
from dev.cluster.check import rule_faults, schema_faults
from dev.cluster.render import Manifest, UnsupportedError, pod_of, render, render_by_tools
from dev.cluster.schemas import KUBERNETES_VERSIONS, UnknownKindError, validator_of
from dev.stack.layout import REPOSITORY
from dev.stack.topology import SERVICES
from shared.contracts import TOPICS
from shared.messaging import retention
from shared.settings import ProcessRole

POOL_EXTRA = {"api": 1, "worker": 2}
"""Connections beside the pool: doorbells and locks; a worker's relay has one more of its own."""

RESERVED_CONNECTIONS = 10
"""PostgreSQL's own for superusers, CloudNativePG's, and a migration's."""


@pytest.fixture(scope="module")
def production() -> list[Manifest]:
    return render(OVERLAY)


@pytest.fixture(scope="module")
def base() -> list[Manifest]:
    return render(OVERLAY.parents[1] / "base")


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def environment(manifest: Manifest) -> dict[str, str]:
    pod = pod_of(manifest)
    assert pod is not None
    return {one["name"]: one.get("value", "") for one in pod["containers"][0].get("env", [])}


def mounted_keys(manifest: Manifest) -> set[str]:
    pod = pod_of(manifest)
    assert pod is not None
    (keys,) = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "keys"]
    assert keys["defaultMode"] == 0o440
    return {item["path"] for item in keys["items"]}


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_every_resource_is_valid(production: list[Manifest], version: str) -> None:
    assert list(schema_faults(production, kubernetes=version)) == []


def test_every_pod_keeps_the_rules(production: list[Manifest]) -> None:
    assert list(rule_faults(production)) == []


def test_every_installed_tool_renders_what_we_render(production: list[Manifest]) -> None:
    for tool, rendered in render_by_tools(OVERLAY):
        assert differing(production, rendered) == [], tool


def test_the_command_says_what_was_judged_and_what_was_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dev.cluster", "check"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "judged by the schemas of Kubernetes 1.31.0" in done.stdout
    assert "not judged" in done.stdout


BROKEN: dict[str, tuple[str, str, list[str | int], Any]] = {
    "misspelt field": ("Deployment", "order-api", ["spec", "revisionHistoryLimits"], 3),
    "wrong type": ("Deployment", "order-api", ["spec", "revisionHistoryLimit"], "three"),
    "unknown trigger field": ("ScaledObject", "order-worker", ["spec", "maxReplicas"], 3),
    "trigger without a type": ("ScaledObject", "order-worker", ["spec", "triggers", 0, "type"], None),
    "database field": ("Cluster", "order-db", ["spec", "instances"], "two"),
    "broker role": ("KafkaNodePool", "node", ["spec", "roles"], ["leader"]),
    "topic field": ("KafkaTopic", "order", ["spec", "partition"], 4),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_told(production: list[Manifest], name: str) -> None:
    kind, resource, way, value = BROKEN[name]
    broken = copy.deepcopy(find(production, kind, resource))
    node: Any = broken
    for step in way[:-1]:
        node = node[step]
    node[way[-1]] = value
    assert list(schema_faults([broken], kubernetes=KUBERNETES_VERSIONS[-1]))


UNSAFE: dict[str, tuple[list[str | int], Any, str]] = {
    "root": (["securityContext", "runAsNonRoot"], False, "may run as root"),
    "token": (["automountServiceAccountToken"], True, "holds a token"),
    "writable": (["containers", 0, "securityContext", "readOnlyRootFilesystem"], False, "can write"),
    "rights": (["containers", 0, "securityContext", "capabilities"], {}, "can gain rights"),
    "latest": (["containers", 0, "image"], "kaquan/order:latest", "runs whatever"),
    "limits": (["containers", 0, "resources", "limits"], {}, "has no limits"),
    "account": (["serviceAccountName"], "nobody", "there is no service account nobody"),
    "settings": (["containers", 0, "envFrom", 0, "configMapRef", "name"], "lost", "there is no ConfigMap lost"),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_breaks_the_rules_is_told(production: list[Manifest], name: str) -> None:
    way, value, told = UNSAFE[name]
    broken = copy.deepcopy(production)
    node: Any = pod_of(find(broken, "Deployment", "order-api"))
    for step in way[:-1]:
        node = node[step]
    node[way[-1]] = value
    assert any(told in fault for fault in rule_faults(broken))


def test_a_kind_nobody_knows_is_told() -> None:
    with pytest.raises(UnknownKindError):
        validator_of("example.com/v1", "Wonder", kubernetes=KUBERNETES_VERSIONS[0])


@pytest.mark.parametrize(
    "text",
    [
        "resources: []\nnamePrefix: x-\n",
        "resources: []\npatches: [{target: {labelSelector: a=b}, patch: '[]'}]\n",
    ],
)
def test_what_our_renderer_does_not_know_it_refuses(tmp_path: Path, text: str) -> None:
    (tmp_path / "kustomization.yaml").write_text(text)
    with pytest.raises((UnsupportedError, LookupError)):
        render(tmp_path)


def test_the_topics_are_those_of_the_contracts(base: list[Manifest]) -> None:
    found = {one["metadata"]["name"]: one["spec"] for one in base if one["kind"] == "KafkaTopic"}
    wanted = {}
    for topic in TOPICS:
        wanted[topic.name] = (topic.partitions, retention.TOPICS)
        wanted[topic.dead_letters] = (topic.partitions, retention.DEAD_LETTERS)
    assert found.keys() == wanted.keys()
    for name, (partitions, kept) in wanted.items():
        config = found[name]["config"]
        assert found[name]["partitions"] == partitions
        assert config["retention.ms"] == kept.total_seconds() * 1000
        assert config["segment.ms"] == retention.SEGMENTS.total_seconds() * 1000


def test_no_overlay_has_fewer_partitions_than_the_code_asks_for(production: list[Manifest]) -> None:
    for topic in TOPICS:
        assert find(production, "KafkaTopic", topic.name)["spec"]["partitions"] >= topic.partitions


@pytest.mark.parametrize("service", SERVICES)
def test_a_worker_grows_with_the_lag_of_what_it_reads(production: list[Manifest], service: str) -> None:
    triggers = find(production, "ScaledObject", f"{service}-worker")["spec"]["triggers"]
    assert {trigger["metadata"]["consumerGroup"] for trigger in triggers} == {service}
    assert {trigger["metadata"]["topic"] for trigger in triggers} == {
        topic.name for topic in TOPICS if service in topic.consumers
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_roles_of_a_service_are_shared_out_whole(production: list[Manifest], service: str) -> None:
    roles = [
        environment(find(production, "Deployment", f"{service}-{part}"))["KAQUAN_ROLES"].split(",")
        for part in ("api", "worker")
    ]
    assert sorted(role for part in roles for role in part) == sorted(ProcessRole)
    assert roles[0] == [ProcessRole.API]


@pytest.mark.parametrize("service", SERVICES)
def test_connections_add_up(production: list[Manifest], service: str) -> None:
    most = {
        "api": find(production, "HorizontalPodAutoscaler", f"{service}-api")["spec"]["maxReplicas"],
        "worker": find(production, "ScaledObject", f"{service}-worker")["spec"]["maxReplicaCount"],
    }
    wanted = sum(
        (pods + 1)  # one more while pods are exchanged
        * (
            int(environment(find(production, "Deployment", f"{service}-{part}"))["KAQUAN_DB_POOL_SIZE"])
            + POOL_EXTRA[part]
        )
        for part, pods in most.items()
    )
    parameters = find(production, "Cluster", f"{service}-db")["spec"]["postgresql"]["parameters"]
    assert wanted + RESERVED_CONNECTIONS <= int(parameters["max_connections"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_opens_its_own_database_only(production: list[Manifest], service: str) -> None:
    owned = [f"{service}-{part}" for part in ("api", "worker")]
    makers = [find(production, "Deployment", name) for name in owned] + [find(production, "Job", f"{service}-migrate")]
    for manifest in makers:
        urls = {name: url for name, url in environment(manifest).items() if name.endswith("_DATABASE_URL")}
        assert list(urls) == [f"KAQUAN_{service.upper()}_DATABASE_URL"]
        assert urls[f"KAQUAN_{service.upper()}_DATABASE_URL"].endswith(f"@{service}-db-rw:5432/{service}")


def test_services_have_one_shape(base: list[Manifest]) -> None:
    """The same resources under each name; a field changed in one file only would show in the other tests or here."""
    shapes = {}
    for service in SERVICES:
        mine = [one for one in base if one["metadata"].get("labels", {}).get("app.kubernetes.io/name") == service]
        shapes[service] = sorted((one["kind"], one["metadata"]["name"].replace(service, "<service>")) for one in mine)
    assert len({tuple(shape) for shape in shapes.values()}) == 1


@pytest.mark.parametrize("process", [*(f"{service}-api" for service in SERVICES), "gateway"])
def test_a_process_is_given_the_keys_it_reads_and_no_other(production: list[Manifest], process: str) -> None:
    name = process.removesuffix("-api")
    home = REPOSITORY / ("gateway" if name == "gateway" else f"services/{name}")
    code = "\n".join(file.read_text() for file in home.rglob("*.py"))
    known = {
        "internal.key", "guest-token.key", "kek.json", "blind-index.key", "access-token.pem", "access-token.pub.pem",
        "payment-sandbox.key", "supplier-sandbox.key", "operator-seed.json", "smtp.key", "sms.key", "wechat.key",
    }  # fmt: skip
    assert mounted_keys(find(production, "Deployment", process)) == {key for key in known if f'"{key}"' in code}
