"""What is wrong with rendered manifests: against the schemas, and against what this product asks of every pod."""

from collections.abc import Iterator, Sequence
from typing import Any

from dev.cluster.render import Manifest, identity, pod_of
from dev.cluster.schemas import UnknownKindError, is_custom, validator_of

UNCHECKED = (
    "values that only an operator judges (rules inside custom resource definitions, Kafka and PostgreSQL parameters)",
    "bounds of Strimzi's fields: its Java classes tell names, types and enumerations",
    "admission by a cluster (quotas, policies, storage and ingress classes), and whether images exist",
)
"""Said after every check, so that nobody takes it for more than it is."""

SELECTED = {"Service": ("spec", "selector"), "PodDisruptionBudget": ("spec", "selector", "matchLabels")}
MADE_BY_OPERATORS = ("-db-app", "-keys", "-tls")
"""Secrets that no manifest holds: by CloudNativePG, by the person who installs, by the certificate's issuer."""


def schema_faults(manifests: Sequence[Manifest], *, kubernetes: str) -> Iterator[str]:
    """What one version of Kubernetes, or the operators, would refuse."""
    for manifest in manifests:
        try:
            validator = validator_of(manifest["apiVersion"], manifest["kind"], kubernetes=kubernetes)
        except UnknownKindError as unknown:
            yield f"{_name(manifest)}: {unknown}"
            continue
        judged = manifest["spec"] if is_custom(manifest["apiVersion"]) else manifest
        for error in validator.iter_errors(judged):
            yield f"{_name(manifest)} at {'/'.join(map(str, error.path)) or '.'}: {error.message[:300]}"


def rule_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """What no schema tells: pods that may do too much, references that lead nowhere, pods that nobody guards."""
    yield from _repetitions(manifests)
    for manifest in manifests:
        pod = pod_of(manifest)
        if pod is not None:
            yield from (f"{_name(manifest)}: {fault}" for fault in _pod_faults(pod, manifest["kind"]))
            yield from (f"{_name(manifest)}: {fault}" for fault in _reference_faults(pod, manifests))
    yield from _selection_faults(manifests)
    yield from _target_faults(manifests)


def _repetitions(manifests: Sequence[Manifest]) -> Iterator[str]:
    seen = set()
    for manifest in manifests:
        if identity(manifest) in seen:
            yield f"{_name(manifest)} stands there twice"
        seen.add(identity(manifest))


def _pod_faults(pod: dict[str, Any], kind: str) -> Iterator[str]:
    context = pod.get("securityContext", {})
    if not (context.get("runAsNonRoot") and context.get("runAsUser", 0) > 0):
        yield "may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    if pod.get("automountServiceAccountToken", True):
        yield "holds a token for the cluster"
    for container in pod["containers"]:
        yield from (f"{container['name']} {fault}" for fault in _container_faults(container, kind))


def _container_faults(container: dict[str, Any], kind: str) -> Iterator[str]:
    context = container.get("securityContext", {})
    if not context.get("readOnlyRootFilesystem"):
        yield "can write to its root file system"
    if context.get("allowPrivilegeEscalation", True) or context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "can gain rights"
    resources = container.get("resources", {})
    for bound in ("requests", "limits"):
        if not {"cpu", "memory"} <= resources.get(bound, {}).keys():
            yield f"has no {bound}"
    if kind == "Deployment":
        missing = [probe for probe in ("startupProbe", "readinessProbe", "livenessProbe") if probe not in container]
        yield from (f"has no {probe}" for probe in missing)
    image, _, tag = container["image"].rpartition(":")
    if not image or tag == "latest":
        yield f"runs whatever {container['image']} is at the moment"


def _reference_faults(pod: dict[str, Any], manifests: Sequence[Manifest]) -> Iterator[str]:
    known = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    if ("ServiceAccount", pod["serviceAccountName"]) not in known:
        yield f"there is no service account {pod['serviceAccountName']}"
    for kind, name in _referred(pod):
        if kind == "Secret" and name.endswith(MADE_BY_OPERATORS):
            continue
        if (kind, name) not in known:
            yield f"there is no {kind} {name}"


def _referred(pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for container in pod["containers"]:
        for source in container.get("envFrom", []):
            yield "ConfigMap", source["configMapRef"]["name"]
        for variable in container.get("env", []):
            secret = variable.get("valueFrom", {}).get("secretKeyRef")
            if secret:
                yield "Secret", secret["name"]
    for volume in pod.get("volumes", []):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]


def _selection_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Every selector finds a pod of ours, and every pod of ours is found by a policy of its own."""
    pods = [manifest["spec"]["template"] for manifest in manifests if pod_of(manifest) is not None]
    for manifest in manifests:
        if manifest["kind"] in SELECTED:
            selector: Any = manifest
            for step in SELECTED[manifest["kind"]]:
                selector = selector[step]
            if not any(_matches(selector, pod) for pod in pods):
                yield f"{_name(manifest)} selects nothing"
    guards = [
        manifest["spec"]["podSelector"].get("matchLabels", {})
        for manifest in manifests
        if manifest["kind"] == "NetworkPolicy"
    ]
    own = [selector for selector in guards if "app.kubernetes.io/name" in selector]
    for pod in pods:
        if not any(_matches(selector, pod) for selector in own):
            yield f"no network policy says whom {pod['metadata']['labels']['app.kubernetes.io/name']} may ask"


def _target_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    deployments = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Deployment"}
    scaled = set()
    for manifest in manifests:
        if manifest["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            name = manifest["spec"]["scaleTargetRef"]["name"]
            if name not in deployments:
                yield f"{_name(manifest)}: there is no Deployment {name}"
            if name in scaled:
                yield f"{_name(manifest)}: two autoscalers pull at {name}"
            scaled.add(name)
    for manifest in manifests:
        fixed = "replicas" in manifest.get("spec", {})
        if manifest["kind"] == "Deployment" and fixed == (manifest["metadata"]["name"] in scaled):
            yield f"{_name(manifest)}: either an autoscaler says how many, or the manifest does"


def _matches(selector: dict[str, str], pod: dict[str, Any]) -> bool:
    labels: dict[str, str] = pod["metadata"]["labels"]
    return selector.items() <= labels.items()


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"
