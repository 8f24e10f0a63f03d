"""Makes the schemas of custom resources anew, from what their authors publish: `python -m dev.cluster refresh`.

KEDA and CloudNativePG publish Go modules, whose resource definitions are cut down to their structure. Strimzi publishes
Java classes, which are read by reflection. Needs `go`, `mvn` and `java`; checking needs only what is committed.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from dev.cluster.schemas import CUSTOM, Schema

STRIMZI = Path(__file__).parent / "strimzi"
STRIMZI_VERSION = "0.51.0"
GO_TIMEOUT_S = 300

MODULES: Mapping[str, tuple[str, ...]] = {
    "github.com/kedacore/keda/v2@v2.21.0": ("keda.sh_scaledobjects.yaml",),
    "github.com/cloudnative-pg/cloudnative-pg@v1.27.0": (
        "postgresql.cnpg.io_clusters.yaml",
        "postgresql.cnpg.io_scheduledbackups.yaml",
    ),
}
"""Go module and version to the definitions that are wanted of it."""

CLASSES: Mapping[str, str] = {
    "Kafka": "io.strimzi.api.kafka.model.kafka.KafkaSpec",
    "KafkaNodePool": "io.strimzi.api.kafka.model.nodepool.KafkaNodePoolSpec",
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopicSpec",
}
KEPT = ("type", "required", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def refresh(say: Callable[[str], object]) -> None:
    """Write every schema again.

    :raises subprocess.CalledProcessError: a tool is missing something, or nobody has the version.
    """
    CUSTOM.mkdir(parents=True, exist_ok=True)
    for module, files in MODULES.items():
        home = Path(_run("go", "mod", "download", "-json", module, read=lambda out: json.loads(out)["Dir"]))
        for name in files:
            definition = yaml.safe_load((home / "config" / "crd" / "bases" / name).read_text())
            _write_definition(definition, source=module)
            say(f"{definition['spec']['names']['kind']} from {module}")
    for kind, schema in _strimzi_specs().items():
        source = f"io.strimzi:api:{STRIMZI_VERSION}"
        _write(group="kafka.strimzi.io", version="v1", kind=kind, spec=schema, source=source)
        say(f"{kind} from {source}")


def _write_definition(definition: dict[str, Any], *, source: str) -> None:
    for version in definition["spec"]["versions"]:
        if version["storage"]:
            spec = structure(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
            kind, group = definition["spec"]["names"]["kind"], definition["spec"]["group"]
            _write(group=group, version=version["name"], kind=kind, spec=spec, source=source)


def structure(node: Schema) -> Schema:
    """An OpenAPI schema as JSON Schema: types, names and bounds without prose, unknown fields refused."""
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept: Schema = {word: node[word] for word in KEPT if word in node}
    if node.get("nullable") and "type" in kept:
        kept["type"] = [kept["type"], "null"]
    if "items" in node:
        kept["items"] = structure(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = structure(node["additionalProperties"])
    if "properties" in node:
        kept["properties"] = {name: structure(field) for name, field in node["properties"].items()}
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            kept.setdefault("additionalProperties", False)
    return kept


def _strimzi_specs() -> dict[str, Schema]:
    with tempfile.TemporaryDirectory() as scratch:
        _run("mvn", "-q", "-B", "-f", str(STRIMZI), "dependency:copy-dependencies", f"-DoutputDirectory={scratch}")
        command = ("java", "-cp", f"{scratch}/*", str(STRIMZI / "Schemas.java"), *CLASSES.values())
        lines = _run(*command, read=str.splitlines)
    return {kind: _as_written(json.loads(line)) for kind, line in zip(CLASSES, lines, strict=True)}


def _as_written(schema: Schema) -> Schema:
    """These two are objects in Java, and plain values in YAML."""
    for name, types in (("Quantity", ["string", "number"]), ("IntOrString", ["integer", "string"])):
        if name in schema.get("$defs", {}):
            schema["$defs"][name] = {"type": types}
    return schema


def _write(*, group: str, version: str, kind: str, spec: Schema, source: str) -> None:
    schema = {"$comment": f"Made by `python -m dev.cluster refresh` from {source} (Apache-2.0).", **spec}
    path = CUSTOM / f"{group}_{version}_{kind}.json"
    path.write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n")


def _run(*command: str, read: Callable[[str], Any] = str.strip) -> Any:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=GO_TIMEOUT_S)
    return read(done.stdout)
