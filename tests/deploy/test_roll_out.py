"""The roll-out: everything is applied, and in the order that loses nothing."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from dev.cluster.__main__ import OVERLAY
from dev.cluster.render import Manifest, identity, render
from dev.stack.layout import REPOSITORY

KUBECTL = """#!/bin/sh
echo "$*" >> "{noted}"
case "$1" in
    kustomize) cat "{rendered}" ;;
    get) echo deployment.apps/order-api ;;
esac
"""


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return render(OVERLAY)


@pytest.fixture(scope="module")
def calls(manifests: list[Manifest], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the script asks of kubectl, for which a note-taker stands in."""
    folder = tmp_path_factory.mktemp("kubectl")
    noted, rendered = folder / "noted", folder / "rendered.yaml"
    rendered.write_text(yaml.safe_dump_all(manifests))
    (folder / "kubectl").write_text(KUBECTL.format(noted=noted, rendered=rendered))
    (folder / "kubectl").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    script = REPOSITORY / "deploy" / "k8s" / "roll-out"
    done = subprocess.run(
        [script, OVERLAY], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return noted.read_text().splitlines()


@pytest.fixture(scope="module")
def applied(manifests: list[Manifest], calls: list[str]) -> list[list[Manifest]]:
    """What each call applies, as its selector says."""
    selectors = [call.partition("--selector ")[2] for call in calls if call.startswith("apply")]
    return [[one for one in manifests if matches(one, selector)] for selector in selectors]


def matches(manifest: Manifest, selector: str) -> bool:
    """A label selector, as kubectl reads it."""
    labels = manifest["metadata"].get("labels", {})
    for term in re.split(r",(?![^(]*\))", selector):
        if " notin " in term:
            key, _, values = term.partition(" notin ")
            holds = labels.get(key) not in values.strip("()").split(",")
        elif "!=" in term:
            key, value = term.split("!=")
            holds = labels.get(key) != value
        else:
            key, value = term.split("=")
            holds = labels.get(key) == value
        if not holds:
            return False
    return True


def test_every_resource_is_applied(applied: list[list[Manifest]], manifests: list[Manifest]) -> None:
    reached = {identity(one) for group in applied for one in group}
    assert reached == {identity(one) for one in manifests}


def test_storage_comes_before_schemas_and_schemas_before_code(applied: list[list[Manifest]]) -> None:
    kinds = [{one["kind"] for one in group} for group in applied]
    assert len(kinds) == 4
    assert {"Cluster", "Kafka", "KafkaTopic", "Namespace", "ConfigMap"} <= kinds[0]
    assert "ServiceAccount" in kinds[1]
    assert kinds[2] == {"Job"}
    assert "Deployment" in kinds[3]
    assert all("Deployment" not in earlier and "Job" not in kinds[3] for earlier in kinds[:3])


def test_nothing_goes_on_before_the_last_step_is_done(calls: list[str]) -> None:
    verbs = [call.split()[0] for call in calls if not call.startswith("kustomize")]
    assert verbs == ["apply", "wait", "wait", "apply", "delete", "apply", "wait", "apply", "get", "rollout"]


def test_without_an_overlay_nothing_happens(tmp_path: Path) -> None:
    done = subprocess.run(
        [REPOSITORY / "deploy" / "k8s" / "roll-out"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "usage" in done.stderr
