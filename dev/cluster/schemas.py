"""Where the schema of each kind of resource comes from: Kubernetes' own from a package, custom ones from the repository."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource

from dev.stack.layout import REPOSITORY

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema; `Any` because that is what JSON is."""

CUSTOM = REPOSITORY / "deploy" / "k8s" / "schemas"
KUBERNETES_VERSIONS = ("1.31.0", "1.34.0", "1.37.0")
"""The oldest that everything here needs, one between, the newest that the package knows."""


class UnknownKindError(LookupError):
    """Nobody here knows this kind: nothing can be said about the resource."""


def validator_of(api_version: str, kind: str, *, kubernetes: str) -> Validator:
    """What judges a resource of this kind. Of a custom resource it judges the `spec`.

    :raises UnknownKindError: there is no schema for it.
    """
    if is_custom(api_version):
        return Draft202012Validator(_custom_schema(api_version, kind))
    group, _, version = api_version.rpartition("/")
    name = f"{kind.lower()}-{group.split('.')[0]}{'-' if group else ''}{version}.json"
    path = _kubernetes_home(kubernetes) / name
    if not path.is_file():
        raise UnknownKindError(f"Kubernetes {kubernetes} has no {kind} of {api_version}")
    schema = json.loads(path.read_text())
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(kubernetes))


def is_custom(api_version: str) -> bool:
    """Whether an operator defines it: its group is somebody's domain outside of Kubernetes."""
    group = api_version.rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def _custom_schema(api_version: str, kind: str) -> Schema:
    path = CUSTOM / f"{api_version.replace('/', '_')}_{kind}.json"
    if not path.is_file():
        raise UnknownKindError(f"deploy/k8s/schemas has no {kind} of {api_version}: name it in dev/cluster/refresh.py")
    schema: Schema = json.loads(path.read_text())
    return schema


@cache
def _definitions(kubernetes: str) -> Registry[Any]:
    contents = json.loads((_kubernetes_home(kubernetes) / "_definitions.json").read_text())
    return Resource[Any].from_contents(contents) @ Registry()


def _kubernetes_home(version: str) -> Path:
    """The strict variant: a field that nobody knows is an error, as a misspelt one would be ignored by a cluster."""
    return Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema" / f"v{version}-local-strict"
