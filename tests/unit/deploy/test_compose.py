"""docker-compose.yml, checked without an engine: what a mistyped key or a copied line would break."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from orchestrator.broker import ALL_QUEUES, JUDGE_QUEUE
from orchestrator.settings import CONFIG_VARIABLE, Settings, variables
from tests.unit.deploy.files import ROOT, compose
from workers.process.draining import HURRY_S

SERVICES = compose()["services"]
WORKERS = {name: each for name, each in SERVICES.items() if each.get("command", [""])[0] == "worker"}
LASTING = {name: each for name, each in SERVICES.items() if each["restart"] != "no"}
PROBED_BY_THE_IMAGE = {*WORKERS, "exporter"}
READ_BY_SETTINGS = {name for field in Settings.model_fields for name in variables(field)} | {CONFIG_VARIABLE}


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_it_follows_the_compose_specification():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run(
        [*command, "docker-compose.yml"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_there_is_no_top_level_name_which_docker_compose_1_refuses():
    assert "name" not in compose()


def test_the_workers_cover_every_queue_once():
    assert sorted(each["command"][2] for each in WORKERS.values()) == sorted(ALL_QUEUES)


def test_the_judge_alone_is_a_worker_that_has_to_be_asked_for():
    assert {name for name, each in WORKERS.items() if "profiles" in each} == {JUDGE_QUEUE}


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_a_worker_is_killed_only_after_it_has_drained_and_handed_over_what_is_left(name: str):
    longest_s = Settings.model_fields["drain_s"].default + HURRY_S
    assert seconds(WORKERS[name]["stop_grace_period"]) > longest_s


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_workers_share_one_home_and_scale_by_a_variable(name: str):
    worker = WORKERS[name]
    assert worker["volumes"] == ["${HOME_VOLUME:-home}:/var/lib/triptych"]
    assert re.fullmatch(rf"\$\{{{name.upper()}_REPLICAS:-\d\}}", worker["deploy"]["replicas"])


@pytest.mark.parametrize("name", sorted(LASTING))
def test_what_keeps_running_is_probed_restarted_and_bounded(name: str):
    service = LASTING[name]
    assert service["restart"] == "unless-stopped"
    assert "healthcheck" in service or name in PROBED_BY_THE_IMAGE
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "max-size" in service["logging"]["options"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_cannot_write_its_image_or_gain_rights(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str):
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-\w+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_opened_on_the_loopback_address_only(name: str):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_no_password_is_written_down_and_none_may_be_empty():
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("REDIS_PASSWORD", "TRIPTYCH_FLOWER_LOGIN", "TRIPTYCH_API_LOGIN"):
        uses = re.findall(rf"\$\{{?{name}[^}}]*\}}?", text)
        assert uses
        assert all(":?" in use for use in uses), f"an empty {name} would start"
    assert not re.search(r"redis://[^$]*:[^$]*@", text)


def test_the_example_of_the_environment_holds_no_secret_and_every_variable_that_is_asked_for():
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    given = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match(r"#?[A-Z_]+=", line))
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked <= set(given)
    assert not any(given[name] for name in given if re.search(r"PASSWORD|LOGIN|KEY", name))


def test_redis_passwords_stay_off_command_lines():
    # $$ reaches the shell inside as $; the password follows on its standard input.
    script = SERVICES["redis"]["command"][2]
    before, _, stdin = script.partition("<<END")
    assert "REDISCLI_AUTH" not in before
    assert "requirepass $$REDISCLI_AUTH" in stdin


def test_redis_never_drops_a_job_to_make_room():
    lines = (ROOT / "deploy" / "redis" / "redis.conf").read_text().splitlines()
    conf = dict(line.split(" ", 1) for line in lines if not line.startswith("#"))
    assert conf["maxmemory-policy"] == "noeviction"
    assert (conf["appendonly"], conf["appendfsync"]) == ("yes", "everysec")
    limit = SERVICES["redis"]["deploy"]["resources"]["limits"]["memory"]
    assert int(conf["maxmemory"].removesuffix("mb")) * 3 // 2 <= int(limit.removesuffix("M"))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_variables_in_our_name_are_settings(name: str):
    given = SERVICES[name].get("environment", {})
    assert {each for each in given if each.startswith("TRIPTYCH_")} <= READ_BY_SETTINGS


def test_flower_is_behind_a_login_and_knows_no_key():
    """What `triptych flower` makes of it, tests/integration/operators/test_flower.py shows."""
    flower = SERVICES["flower"]
    assert flower["command"] == ["flower", "--host", "0.0.0.0"]
    assert set(flower["environment"]) == {"REDIS_URL", "TRIPTYCH_FLOWER_LOGIN"}
    assert not {"env_file", "entrypoint"} & set(flower)


def test_other_services_logins_do_not_reach_the_workers():
    others = {"REDIS_PASSWORD", "TRIPTYCH_FLOWER_LOGIN", "TRIPTYCH_API_LOGIN", "TRIPTYCH_API_KEYS"}
    for worker in WORKERS.values():
        assert {worker["environment"][name] for name in others} == {""}


def test_the_api_is_behind_a_login_and_is_told_no_key_of_a_model():
    """What `triptych serve` makes of it, tests/integration/api shows."""
    api = SERVICES["api"]
    assert api["command"][:3] == ["serve", "--host", "0.0.0.0"]
    assert "--no-login" not in api["command"]
    keys = {name for field in Settings.model_fields if "api_key" in field for name in variables(field)}
    keys -= {"TRIPTYCH_API_KEYS"}
    assert {name for name in api["environment"] if api["environment"][name] == ""} == {
        *keys, "REDIS_PASSWORD", "TRIPTYCH_FLOWER_LOGIN",
    }  # fmt: skip
