"""Renders a kustomization: by `kubectl kustomize` or `kustomize` where one is installed, and always by the code below.

The code knows the part of kustomize that deploy/k8s uses, and refuses the rest instead of passing over it. So the manifests
can be checked on a machine without either tool, and where there is one the two must agree.
"""

import copy
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Manifest: TypeAlias = dict[str, Any]
"""One resource; `Any` because that is what YAML is."""

TOOLS: Mapping[str, tuple[str, ...]] = {"kubectl": ("kubectl", "kustomize"), "kustomize": ("kustomize", "build")}
RENDER_TIMEOUT_S = 60
KNOWN = frozenset({"apiVersion", "kind", "namespace", "resources", "images", "patches"})
CLUSTER_SCOPED = frozenset({"Namespace"})


class UnsupportedError(ValueError):
    """The kustomization uses something that this renderer does not know."""


def render_by_tools(folder: Path) -> Iterator[tuple[str, list[Manifest]]]:
    """What each installed tool makes of a kustomization, with the tool's name; nothing where none is installed.

    :raises subprocess.CalledProcessError: a tool refuses it.
    """
    for name, command in TOOLS.items():
        if shutil.which(name):
            done = subprocess.run(
                [*command, str(folder)], stdout=subprocess.PIPE, text=True, check=True, timeout=RENDER_TIMEOUT_S
            )
            yield name, [document for document in yaml.safe_load_all(done.stdout) if document]


def render(folder: Path) -> list[Manifest]:
    """The resources of a kustomization, changed as it says.

    :raises UnsupportedError: it says something that is not known here.
    :raises LookupError: a patch or an image matches nothing, which is a mistake in it.
    """
    wanted = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = wanted.keys() - KNOWN
    if unknown:
        raise UnsupportedError(f"{folder.name}: {', '.join(sorted(unknown))}")
    manifests = [manifest for name in wanted["resources"] for manifest in _resource(folder / name)]
    for patch in wanted.get("patches", []):
        _apply_patch(manifests, patch)
    for image in wanted.get("images", []):
        _apply_image(manifests, image)
    if "namespace" in wanted:
        for manifest in manifests:
            _apply_namespace(manifest, wanted["namespace"])
    return manifests


def identity(manifest: Manifest) -> tuple[str, str, str]:
    """What tells resources of one namespace apart."""
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]


def pod_of(manifest: Manifest) -> Manifest | None:
    """The pod's `spec` inside a resource that makes pods; None for any other."""
    template = manifest.get("spec", {}).get("template") if manifest["kind"] in ("Deployment", "Job") else None
    pod: Manifest | None = template["spec"] if template else None
    return pod


def _resource(path: Path) -> list[Manifest]:
    if path.is_dir():
        return render(path)
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _apply_namespace(manifest: Manifest, namespace: str) -> None:
    if manifest["kind"] == "Namespace":
        manifest["metadata"]["name"] = namespace
    if manifest["kind"] not in CLUSTER_SCOPED:
        manifest["metadata"]["namespace"] = namespace


def _apply_image(manifests: list[Manifest], image: Mapping[str, str]) -> None:
    containers = [
        container
        for manifest in manifests
        if (pod := pod_of(manifest)) is not None
        for container in [*pod.get("initContainers", []), *pod["containers"]]
        if container["image"].partition(":")[0] == image["name"]
    ]
    if not containers:
        raise LookupError(f"no container runs the image {image['name']}")
    for container in containers:
        container["image"] = f"{image['newName']}:{image['newTag']}"


def _apply_patch(manifests: list[Manifest], patch: Mapping[str, Any]) -> None:
    operations = yaml.safe_load(patch["patch"])
    if not isinstance(operations, list):
        raise UnsupportedError("only patches by operations are known here")
    targets = [manifest for manifest in manifests if _is_target(manifest, patch["target"])]
    if not targets:
        raise LookupError(f"no resource is the target {patch['target']}")
    for manifest in targets:
        for operation in operations:
            _operate(manifest, operation)


def _is_target(manifest: Manifest, target: Mapping[str, str]) -> bool:
    unknown = target.keys() - {"group", "kind", "name"}
    if unknown:
        raise UnsupportedError(f"target by {', '.join(sorted(unknown))}")
    values = {
        "group": manifest["apiVersion"].rpartition("/")[0],
        "kind": manifest["kind"],
        "name": manifest["metadata"]["name"],
    }
    return all(re.fullmatch(pattern, values[field]) for field, pattern in target.items())


def _operate(manifest: Manifest, operation: Mapping[str, Any]) -> None:
    """One operation of RFC 6902."""
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
    node: Any = manifest
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    key: Any = int(last) if isinstance(node, list) else last
    if operation["op"] == "replace":
        node[key]  # what is not there cannot be replaced
        node[key] = copy.deepcopy(operation["value"])
    elif operation["op"] == "add" and isinstance(node, dict):
        node[key] = copy.deepcopy(operation["value"])
    else:
        raise UnsupportedError(f"operation {operation['op']} at {operation['path']}")
