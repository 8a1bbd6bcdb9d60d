"""The deployment's files as the tests read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"


def documents(path: Path) -> list[dict[str, Any]]:
    """A YAML file's documents."""
    return cast("list[dict[str, Any]]", list(yaml.safe_load_all(path.read_text())))


def compose() -> dict[str, Any]:
    """docker-compose.yml, its anchors and merges resolved."""
    return documents(ROOT / "docker-compose.yml")[0]


def manifests() -> list[dict[str, Any]]:
    """All Kubernetes objects, components included; kustomization files are not objects."""
    paths = (path for path in sorted(KUBERNETES.rglob("*.yaml")) if path.name != "kustomization.yaml")
    return [document for path in paths for document in documents(path)]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    """The objects of some kinds."""
    return [each for each in manifests() if each["kind"] in kinds]


def name_of(manifest: dict[str, Any]) -> str:
    """``Deployment/flower``: how tests name an object."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"
