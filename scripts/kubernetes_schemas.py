"""Writes tests/unit/deploy/schemas.json: the JSON Schemas that the Kubernetes manifests are held against.

    python scripts/kubernetes_schemas.py DEFINITIONS CRD...

DEFINITIONS is ``_definitions.json`` of a Kubernetes release in its strict form (the package kubernetes-validate carries
them), CRD the custom resource definitions as their projects publish them (KEDA, the Prometheus operator). Only what the
kinds in use need is kept, without its prose.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

OUT = Path(__file__).parents[1] / "tests" / "unit" / "deploy" / "schemas.json"
CORE = {
    "v1/Namespace": "io.k8s.api.core.v1.Namespace",
    "v1/ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1/PersistentVolumeClaim": "io.k8s.api.core.v1.PersistentVolumeClaim",
    "v1/Service": "io.k8s.api.core.v1.Service",
    "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
}
METADATA = {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
_REF = re.compile(r'"#/\$defs/([^"]+)"')


def bare(node: Any, *, named: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Strip a schema of its prose and of what only an API server reads; ``named``: its keys are properties' names."""
    if isinstance(node, list):
        return [bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: bare(value, named=key == "properties" and not named)
        for key, value in node.items()
        if named or not (key == "description" or key.startswith("x-"))
    }


def closed(node: Any) -> Any:  # noqa: ANN401 - as above
    """Close a custom resource's objects: the API server drops what they do not know, which hides a misspelt field."""
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: closed(value) for key, value in node.items()}
    if isinstance(made.get("properties"), dict) and not node.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def needed(definitions: dict[str, Any]) -> dict[str, Any]:
    """The core kinds' definitions, and all that they lead to."""
    found: dict[str, Any] = {}
    todo = list(CORE.values())
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = bare(definitions[name])
            todo += _REF.findall(json.dumps(found[name]))
    return found


def main(definitions: str, *crds: str) -> None:
    """Write the file."""
    kinds: dict[str, Any] = {kind: {"$ref": f"#/$defs/{name}"} for kind, name in CORE.items()}
    for path in crds:
        spec = yaml.safe_load(Path(path).read_text(encoding="utf-8"))["spec"]
        for version in spec["versions"]:
            body = version["schema"]["openAPIV3Schema"]
            kinds[f"{spec['group']}/{version['name']}/{spec['names']['kind']}"] = bare(closed(body))
            kinds[f"{spec['group']}/{version['name']}/{spec['names']['kind']}"]["properties"]["metadata"] = (
                METADATA
            )
    shared = needed(json.loads(Path(definitions).read_text(encoding="utf-8"))["$defs"])
    parts = (f'"{name}": {{\n{_lines(part)}\n}}' for name, part in (("kinds", kinds), ("$defs", shared)))
    OUT.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _lines(part: dict[str, Any]) -> str:
    """One definition a line, so that a later release is a readable difference."""
    return ",\n".join(
        f"{json.dumps(name)}: {json.dumps(body, sort_keys=True, separators=(',', ':'))}"
        for name, body in sorted(part.items())
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
