"""Settings: four sources in one order, and errors that name the variable, say what to do, and show no value."""

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from orchestrator.errors import InvalidSettings
from orchestrator.settings import (
    Origin,
    Settings,
    load_settings,
    masked_url,
    origins,
    unknown_variables,
    variables,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.upper().startswith("TRIPTYCH_") or any(name in variables(f) for f in Settings.model_fields):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write_file(text: str | bytes, name: str = "triptych.toml") -> Path:
    path = Path(name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_arguments_beat_the_environment_beats_the_file_beats_the_default(monkeypatch):
    assert (load_settings().concurrency, origins()["concurrency"]) == (100, Origin("default"))
    write_file("concurrency = 7")
    assert (load_settings().concurrency, origins()["concurrency"]) == (7, Origin("file", "triptych.toml"))
    monkeypatch.setenv("TRIPTYCH_CONCURRENCY", "8")
    expected = Origin("environment", "TRIPTYCH_CONCURRENCY")
    assert (load_settings().concurrency, origins()["concurrency"]) == (8, expected)
    assert load_settings(concurrency=9).concurrency == 9
    assert origins(concurrency=9)["concurrency"] == Origin("argument")


def test_every_name_of_redis_is_read_in_its_order_and_told_as_source(monkeypatch):
    write_file('redis_url = "redis://file"')

    def url() -> tuple[str, str]:
        secret = load_settings().redis_url
        assert secret is not None
        return secret.get_secret_value(), str(origins()["redis_url"])

    assert url() == ("redis://file", "file triptych.toml")
    monkeypatch.setenv("TRIPTYCH_REDIS_URL", "redis://own")
    assert url() == ("redis://own", "environment TRIPTYCH_REDIS_URL")
    monkeypatch.setenv("REDIS_URL", "redis://common")
    assert url() == ("redis://common", "environment REDIS_URL")


@pytest.mark.parametrize("field", Settings.model_fields)
def test_an_empty_variable_counts_as_unset(monkeypatch, field):
    default = load_settings()
    for name in variables(field):
        monkeypatch.setenv(name, "")
    assert load_settings() == default
    assert origins()[field] == Origin("default")


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("TRIPTYCH_CONCURRENCY", "many", "integer"),
        ("TRIPTYCH_CONCURRENCY", "0", "greater than or equal to 1"),
        ("TRIPTYCH_DEADLINE_S", "0", "greater than 0"),
        ("TRIPTYCH_DEADLINE_S", "nan", "must be"),
        ("TRIPTYCH_MODEL", "gpt-5", "extractive, openai:MODEL or anthropic:MODEL"),
        ("TRIPTYCH_MODEL_THESIS", "openai:", "extractive, openai:MODEL or anthropic:MODEL"),
        ("TRIPTYCH_PARALLEL_MODE", "maybe", "'auto', 'sequential', 'parallel' or 'pipelined'"),
        ("TRIPTYCH_LOG_LEVEL", "loud", "'DEBUG'"),
        ("OPENAI_BASE_URL", "api.example.com/v1", "http://HOST or https://HOST"),
        ("OPENAI_BASE_URL", "https://me:hunter2@api.example.com/v1", "user name or password"),
        ("OPENAI_API_KEY", "sk-hunter2 and more", "copy the key again"),
        ("ANTHROPIC_API_KEY", "sk-hunter2\nX-Other: 1", "copy the key again"),
        ("REDIS_URL", "http://:hunter2@host", "redis://, rediss://"),
        ("REDIS_URL", "redis://:hunter2@host:99999/0", "port"),
        ("REDIS_URL", "redis://:hunter2@host:port/0", "port"),
        ("REDIS_URL", "redis://:hunter2/x@host:6379", "%XX"),
        ("REDIS_URL", "redis://me:hunter2@/0", "no host"),
        ("REDIS_URL", "redis://:hunter2@host/zero", "database"),
        ("REDIS_URL", "redis://[hunter2", "cannot|can be read"),
        ("REDIS_URL", " redis://:hunter2@host", "can be read"),
        ("REDIS_URL", "redis://host/0?password=hunter2", "takes none; user and password go before the host"),
        ("REDIS_URL", "redis://host?db=2&x=hunter2", "takes none"),
        ("REDIS_URL", "redis://host/0?ssl_cert_reqs=hunter2", "takes none"),
        ("REDIS_URL", "rediss://host/0?ssl_check_hostname=hunter2", "none of ssl_ca_certs"),
        ("REDIS_URL", "unix:///run/s?password=hunter2", "none of db"),
        ("REDIS_URL", "redis://:a;hunter2@host", "%3B"),
        ("REDIS_URL", "unix://", "socket"),
        ("TRIPTYCH_REDIS_URL", "localhost:6379", "redis://, rediss://"),
    ],
)
def test_an_error_names_the_variable_and_what_to_do_and_shows_no_value(monkeypatch, variable, value, problem):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=problem) as caught:
        load_settings()
    assert caught.value.field == variable
    assert "\n" not in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    ["redis://host", "redis://host:6379/3", "rediss://u:p%40ss@host:1/0?ssl_cert_reqs=none", "rediss://[::1]:6380/0",
     "unix:///run/redis.sock", "unix:///run/redis.sock?db=2"],
)  # fmt: skip
def test_redis_may_be_reached_by_tcp_tls_or_a_socket(monkeypatch, url):
    monkeypatch.setenv("REDIS_URL", url)
    secret = load_settings().redis_url
    assert secret is not None
    assert secret.get_secret_value() == url


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("concurency = 3", r"unknown setting 'concurency'; did you mean 'concurrency'"),
        ("zzz = 3", "`triptych config` lists all"),
        ("concurrency = 3\nredis_url = hunter2", "line 2"),
        ('openai_api_key = "hunter2\n', "line 1"),
        (b"\xff", "UTF-8"),
        ("#" * 1_000_001, "1,000,000 bytes"),
        ("a=" + "[" * 100_000, "TOML"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_what_to_do(text, problem):
    write_file(text)
    with pytest.raises(InvalidSettings, match=problem) as caught:
        load_settings()
    assert caught.value.field == "triptych.toml"
    assert caught.value.__cause__ is None  # a TOMLDecodeError carries the document from Python 3.14 on
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_bad_value_in_the_file_names_the_file():
    write_file('concurrency = "many"')
    with pytest.raises(InvalidSettings, match=r"TRIPTYCH_CONCURRENCY: .*\(set in triptych.toml\)"):
        load_settings()


def test_a_file_named_by_the_environment_must_be_there(monkeypatch):
    monkeypatch.setenv("TRIPTYCH_CONFIG", "other.toml")
    with pytest.raises(InvalidSettings, match=r"TRIPTYCH_CONFIG: other.toml is not there"):
        load_settings()
    write_file("concurrency = 5", "other.toml")
    assert load_settings().concurrency == 5


def test_an_argument_that_is_no_setting_is_refused():
    with pytest.raises(InvalidSettings, match="did you mean 'concurrency'"):
        load_settings(concurency=3)


def test_unknown_variables_come_with_the_nearest_known_name():
    environ = {
        "TRIPTYCH_MODLE": "x", "TRIPTYCH_OPENAI_API_KEY": "x", "TRIPTYCH_ZZZZZZ": "x", "TRIPTYCH_CONFIG": "x",
        "TRIPTYCH_MODEL": "x", "triptych_home": "x", "PATH": "x",
    }  # fmt: skip
    assert unknown_variables(environ) == (
        ("TRIPTYCH_MODLE", "TRIPTYCH_MODEL"),
        ("TRIPTYCH_OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("TRIPTYCH_ZZZZZZ", None),
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://me:pw@host:6379/0", "redis://me:***@host:6379/0"),
        ("redis://:pw@host", "redis://:***@host"),
        ("rediss://host/0?password=pw", "rediss://host/0?***"),
        ("unix:///run/x.sock", "unix:///run/x.sock"),
        ("redis://[pw", "***"),
    ],
)
def test_a_url_for_people_hides_what_is_secret(url, shown):
    assert masked_url(url) == shown


def test_keys_lose_the_line_break_a_file_left_on_them(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1\n")
    key = load_settings().openai_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-1"


def test_the_page_of_settings_is_current():
    script = ROOT / "scripts" / "settings_table.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("written", "mode"),
    [("auto", "auto"), *((word, "parallel") for word in ("parallel", "on", "true")),
     *((word, "sequential") for word in ("sequential", "OFF", "false"))],
)  # fmt: skip
def test_parallel_mode_takes_the_modes_names_and_a_flags_values(monkeypatch, written, mode):
    monkeypatch.setenv("TRIPTYCH_PARALLEL_MODE", written)
    assert load_settings().parallel_mode == mode


def test_parallel_mode_may_be_tomls_own_flag():
    write_file("parallel_mode = true")
    assert load_settings().parallel_mode == "parallel"
