"""The Kubernetes manifests, checked without a cluster: what the API server would refuse, and what it would not."""

from __future__ import annotations

import copy
import json
import re

import pytest
from jsonschema import Draft202012Validator

from orchestrator.broker import ALL_QUEUES, JUDGE_QUEUE, QUEUES
from orchestrator.exporter.fleet import families
from orchestrator.exporter.sample import STEPS, FleetSample
from orchestrator.routing.flow import persona_of
from orchestrator.settings import Settings, variables
from tests.unit.deploy.files import KUBERNETES, ROOT, compose, documents, manifests, name_of, of_kind
from workers.process.draining import HURRY_S

SCHEMAS = json.loads((ROOT / "tests" / "unit" / "deploy" / "schemas.json").read_text())
"""Kubernetes' own, KEDA's and the Prometheus operator's; scripts/kubernetes_schemas.py writes them."""
PODS = of_kind("Deployment", "StatefulSet")
WORKERS = {
    each["metadata"]["labels"]["triptych/queue"]: each
    for each in of_kind("Deployment")
    if each["metadata"]["labels"]["app.kubernetes.io/component"] == "worker"
}
READ_BY_SETTINGS = {name for field in Settings.model_fields for name in variables(field)}


def pod(manifest):
    return manifest["spec"]["template"]["spec"]


def container(manifest):
    (only,) = pod(manifest)["containers"]
    return only


each_pod = pytest.mark.parametrize("manifest", PODS, ids=name_of)
each_worker = pytest.mark.parametrize("queue", sorted(WORKERS))


def problems(manifest) -> list[str]:
    kind = SCHEMAS["kinds"][f"{manifest['apiVersion']}/{manifest['kind']}"]
    found = Draft202012Validator({**kind, "$defs": SCHEMAS["$defs"]}).iter_errors(manifest)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


@pytest.mark.parametrize("manifest", manifests(), ids=name_of)
def test_objects_follow_their_schemas(manifest):
    assert problems(manifest) == []


def inside(node):
    """Every object inside a manifest whose fields the schema names, and not its author."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key in {"metadata", "matchLabels", "data", "requests", "limits", "selector", "emptyDir"}:
            continue
        if isinstance(value, dict) and value:
            yield value
        if isinstance(value, dict | list):
            yield from inside(value)


@pytest.mark.parametrize("manifest", manifests(), ids=name_of)
def test_the_schemas_notice_a_misspelt_field_wherever_it_stands(manifest):
    changed = copy.deepcopy(manifest)
    for node in [changed, *inside(changed)]:
        name = list(node)[-1]
        node[f"{name}s"] = node.pop(name)
        assert problems(changed), f"{name}s would be let through"
        node[name] = node.pop(f"{name}s")
    assert problems(changed) == []


@pytest.mark.parametrize("manifest", manifests(), ids=name_of)
def test_objects_are_named_and_placed(manifest):
    assert re.fullmatch(r"[a-z][a-z-]{0,61}", manifest["metadata"]["name"])
    # The kustomization says where everything lives.
    assert "namespace" not in manifest["metadata"]


def test_every_file_is_part_of_a_kustomization():
    kustomizations = [*KUBERNETES.rglob("kustomization.yaml")]
    listed = {
        (path.parent / each).resolve() for path in kustomizations for each in documents(path)[0]["resources"]
    }
    assert listed == {path.resolve() for path in KUBERNETES.rglob("*.yaml")} - {
        path.resolve() for path in kustomizations
    }


@each_pod
def test_selectors_find_their_own_pods_and_no_others(manifest):
    selector = manifest["spec"]["selector"]["matchLabels"].items()
    found = [name_of(m) for m in PODS if selector <= m["spec"]["template"]["metadata"]["labels"].items()]
    assert found == [name_of(manifest)]


@pytest.mark.parametrize("manifest", of_kind("PodDisruptionBudget", "NetworkPolicy", "Service"), ids=name_of)
def test_other_selectors_find_pods_too(manifest):
    spec = manifest["spec"]
    selector = spec.get("podSelector", spec.get("selector"))
    wanted = selector.get("matchLabels", selector if manifest["kind"] == "Service" else {})
    terms = selector.get("matchExpressions", [])
    labels = [m["spec"]["template"]["metadata"]["labels"] for m in PODS]
    found = [
        each
        for each in labels
        if wanted.items() <= each.items() and all(each.get(t["key"]) in t["values"] for t in terms)
    ]
    assert found


@each_pod
def test_pods_pass_the_restricted_standard_that_the_namespace_enforces(manifest):
    security = pod(manifest)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(manifest)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(manifest)["automountServiceAccountToken"] is False


@each_pod
def test_containers_state_what_they_need_and_are_bounded(manifest):
    resources = container(manifest)["resources"]
    assert {"cpu", "memory"} == set(resources["requests"])
    assert "memory" in resources["limits"]


@each_pod
def test_liveness_never_asks_redis(manifest):
    # A broker that is away is no reason to restart: only the own process is asked, by the kubelet, starting nothing.
    assert set(container(manifest)["livenessProbe"]) & {"httpGet", "tcpSocket"}
    probe = container(manifest)["livenessProbe"].get("httpGet")
    assert probe is None or probe["path"] in {"/healthz", "/healthcheck"}
    assert container(manifest)["readinessProbe"] != container(manifest)["livenessProbe"]


@each_pod
def test_probes_ask_ports_that_are_declared(manifest):
    ports = {each["name"] for each in container(manifest)["ports"]}
    for kind in ("livenessProbe", "readinessProbe"):
        probe = container(manifest)[kind]
        target = probe.get("httpGet") or probe.get("tcpSocket")
        assert target is None or target["port"] in ports


@each_pod
def test_mounts_have_volumes_and_claims_exist(manifest):
    mounts = {each["name"] for each in container(manifest)["volumeMounts"]}
    volumes = {each["name"]: each for each in pod(manifest)["volumes"]}
    templates = {each["metadata"]["name"] for each in manifest["spec"].get("volumeClaimTemplates", [])}
    assert mounts == set(volumes) | templates
    here = {name_of(each) for each in manifests()}
    for volume in volumes.values():
        if claim := volume.get("persistentVolumeClaim"):
            assert f"PersistentVolumeClaim/{claim['claimName']}" in here
        if conf := volume.get("configMap"):
            assert f"ConfigMap/{conf['name']}" in here


@each_pod
def test_secrets_come_by_reference_and_names_are_ones_that_are_read(manifest):
    for variable in container(manifest).get("env", []):
        name = variable["name"]
        assert name in READ_BY_SETTINGS or name == "REDISCLI_AUTH"
        if re.search(r"URL|AUTH|LOGIN|PASSWORD|KEY", name):
            assert set(variable["valueFrom"]) == {"secretKeyRef"}
    # A service's injected variables look like settings.
    assert pod(manifest)["enableServiceLinks"] is False


def test_the_config_map_holds_settings_that_are_valid_and_no_secret(monkeypatch):
    (settings,) = (m["data"] for m in of_kind("ConfigMap") if m["metadata"]["name"] == "triptych-settings")
    assert set(settings) <= READ_BY_SETTINGS
    assert not [name for name in settings if re.search(r"KEY|REDIS|PASSWORD", name)]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert (read.metrics_host, read.metrics_port) == ("0.0.0.0", 9464)


def test_every_queue_has_its_workers_and_budget_and_every_persona_its_scaler():
    assert set(WORKERS) == set(ALL_QUEUES)
    budgets = {each["metadata"]["name"] for each in of_kind("PodDisruptionBudget")}
    assert budgets == {f"worker-{queue}" for queue in ALL_QUEUES}
    scalers = of_kind("ScaledObject")
    # What judges is part of no job: there may be nothing to scale.
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scalers} == {
        f"worker-{queue}" for queue in QUEUES
    }


def test_a_judge_has_to_be_switched_on():
    (base,) = documents(KUBERNETES / "kustomization.yaml")
    (component,) = documents(KUBERNETES / "components" / JUDGE_QUEUE / "kustomization.yaml")
    assert component["kind"] == "Component"
    assert not [each for each in base["resources"] if JUDGE_QUEUE in each]


@each_worker
def test_workers_differ_in_their_queue_and_their_number_alone(queue: str):
    def neutral(name: str) -> str:
        (path,) = KUBERNETES.rglob(f"{name}.yaml")
        text = path.read_text()
        return re.sub(r"replicas: \d+", "replicas: N", re.sub(rf"\b{name}\b", "QUEUE", text))

    assert neutral(queue) == neutral("plan")
    assert container(WORKERS[queue])["args"] == ["worker", "--queues", queue]


@each_worker
def test_a_worker_is_killed_only_after_it_has_drained_and_handed_over_what_is_left(queue: str):
    longest_s = Settings.model_fields["drain_s"].default + HURRY_S
    assert pod(WORKERS[queue])["terminationGracePeriodSeconds"] > longest_s


@pytest.mark.parametrize("manifest", of_kind("PodDisruptionBudget"), ids=name_of)
def test_a_budget_never_blocks_a_drain(manifest):
    assert manifest["spec"]["maxUnavailable"] >= 1


@pytest.mark.parametrize("manifest", of_kind("ScaledObject"), ids=name_of)
def test_scaling_counts_waiting_and_running_work_by_names_that_are_exported(manifest):
    queue = manifest["metadata"]["name"].removeprefix("worker-")
    (trigger,) = manifest["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    exported = {family.name for family in families(FleetSample(now_ms=0), {}, None)}
    used = set(re.findall(r"triptych_\w+", query))
    assert used == {"triptych_queue_messages", "triptych_steps_running"}
    assert used <= exported
    assert f'queue="{queue}"' in query
    (steps,) = re.findall(r'step=~?"([^"]+)"', query)
    assert set(steps.split("|")) == {step for step in STEPS if persona_of(step) == queue}


@pytest.mark.parametrize("manifest", of_kind("ScaledObject"), ids=name_of)
def test_no_figure_is_never_taken_for_no_work(manifest):
    spec = manifest["spec"]
    (trigger,) = spec["triggers"]
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert spec["minReplicaCount"] >= 1
    # Thirty in a hundred threads are left for the time that a new pod takes.
    assert int(trigger["metadata"]["threshold"]) == 0.7 * Settings.model_fields["concurrency"].default


def test_the_exporter_runs_once_even_during_an_update():
    (exporter,) = (m for m in of_kind("Deployment") if m["metadata"]["name"] == "exporter")
    assert exporter["spec"]["replicas"] == 1
    assert exporter["spec"]["strategy"] == {"type": "Recreate"}


def test_redis_is_the_same_as_with_compose():
    (conf,) = (m["data"]["redis.conf"] for m in of_kind("ConfigMap") if m["metadata"]["name"] == "redis-conf")
    assert conf == (ROOT / "deploy" / "redis" / "redis.conf").read_text()
    (redis,) = of_kind("StatefulSet")
    beside = compose()["services"]["redis"]
    assert container(redis)["image"] == beside["image"]
    # Compose would expand a single dollar itself.
    assert container(redis)["command"] == [part.replace("$$", "$") for part in beside["command"]]


def test_nothing_is_reachable_that_is_not_named():
    (deny,) = (m for m in of_kind("NetworkPolicy") if m["metadata"]["name"] == "deny-all")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (redis,) = (m for m in of_kind("NetworkPolicy") if m["metadata"]["name"] == "redis")
    assert all(each.values() for rule in redis["spec"]["ingress"] for each in rule["from"])


@each_pod
def test_every_pod_that_uses_redis_may_reach_it(manifest):
    uses = any(each["name"] == "REDIS_URL" for each in container(manifest).get("env", []))
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert (labels.get("triptych/redis-client") == "true") is uses
