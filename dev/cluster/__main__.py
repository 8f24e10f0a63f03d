"""`python -m dev.cluster check`: render what stands under deploy/k8s, judge it, and say what was not judged.

`refresh` makes the schemas of custom resources anew; it needs go, mvn and java.
"""

import argparse
import sys
from collections import Counter

from dev.cluster.check import UNCHECKED, rule_faults, schema_faults
from dev.cluster.refresh import MODULES, STRIMZI_VERSION, refresh
from dev.cluster.render import Manifest, identity, render, render_by_tools
from dev.cluster.schemas import KUBERNETES_VERSIONS
from dev.stack.layout import REPOSITORY

OVERLAY = REPOSITORY / "deploy" / "k8s" / "overlays" / "production"


def main() -> int:
    """Run one of the two commands; the exit code is 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m dev.cluster", description=__doc__)
    parser.add_argument("command", choices=("check", "refresh"))
    if parser.parse_args().command == "refresh":
        refresh(print)
        return 0
    return check()


def check() -> int:
    """Judge the production overlay, and with it the base."""
    manifests = render(OVERLAY)
    faults = list(rule_faults(manifests))
    for version in KUBERNETES_VERSIONS:
        faults += [f"Kubernetes {version}: {fault}" for fault in schema_faults(manifests, kubernetes=version)]
    renderers = ["this package's renderer"]
    for tool, rendered in render_by_tools(OVERLAY):
        renderers.append(tool)
        faults += [f"{tool} renders {name} otherwise" for name in differing(manifests, rendered)]
    for fault in faults:
        print(f"k8s: {fault}", file=sys.stderr)
    _tell(manifests, renderers)
    return 1 if faults else 0


def differing(ours: list[Manifest], theirs: list[Manifest]) -> list[str]:
    """The resources that two renderers disagree about, by name."""
    one, other = ({identity(manifest): manifest for manifest in manifests} for manifests in (ours, theirs))
    return sorted("/".join(key) for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _tell(manifests: list[Manifest], renderers: list[str]) -> None:
    kinds = Counter(manifest["kind"] for manifest in manifests)
    print(f"k8s: {len(manifests)} resources, rendered by {' and '.join(renderers)}")
    print("k8s: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    print(f"k8s: judged by the schemas of Kubernetes {', '.join(KUBERNETES_VERSIONS)}")
    print(f"k8s: and of {', '.join(MODULES)}, io.strimzi:api:{STRIMZI_VERSION}")
    for matter in UNCHECKED:
        print(f"k8s: not judged: {matter}")


if __name__ == "__main__":
    sys.exit(main())
