"""When `triptych serve` refuses to start, and what it says to do."""

from __future__ import annotations

import socket
import sys

import pytest

from orchestrator.cli.main import main

REDIS = {"REDIS_URL": "redis://nowhere.invalid/0"}
LOGIN = {"TRIPTYCH_API_LOGIN": "ops:s3cret-word"}


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ([], REDIS, "TRIPTYCH_API_LOGIN: is not set, nor is TRIPTYCH_API_KEYS; put USER:PASSWORD there"),
        ([], {}, "TRIPTYCH_API_LOGIN: is not set"),  # before a private fleet is started
        (["--host", "0.0.0.0", "--no-login"], {**REDIS, **LOGIN}, "--no-login: opens this machine's own address alone"),
        (["--no-login", "--host", "build.internal"], REDIS, "--no-login: opens this machine's own address alone"),
        ([], {**REDIS, "TRIPTYCH_API_LOGIN": "s3cret-word"}, "TRIPTYCH_API_LOGIN: must be USER:PASSWORD"),
        ([], {**REDIS, "TRIPTYCH_API_KEYS": "s3cret-word-of-acme"}, "TRIPTYCH_API_KEYS: must be TENANT=KEY"),
        (["--no-login", "--url-prefix", 'a b"><x'], REDIS, "--url-prefix: is a path of plain segments, such as /ops"),
        (["--no-login", "--url-prefix", "/a/../b"], REDIS, "--url-prefix: is a path of plain segments"),
        (["--no-login", "--url-prefix", "/api/"], REDIS, "--url-prefix: /api is a path of this server's own"),
        (["--no-login", "--url-prefix", "/t\n"], REDIS, "--url-prefix: is a path of plain segments"),
        (["--host", "nowhere.invalid"], {**REDIS, **LOGIN}, "--port: 8321 on nowhere.invalid cannot be opened"),
    ],
)  # fmt: skip
def test_it_does_not_start(options, environment, said, monkeypatch, capsys):
    assert refused(options, environment, monkeypatch, capsys).startswith(f"triptych: {said}")


def test_a_port_that_is_taken_is_one_line(monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(["--no-login", "--port", port], REDIS, monkeypatch, capsys)
    assert said.startswith(f"triptych: --port: {port} on 127.0.0.1 cannot be opened (Address already in use)")


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("orchestrator.api")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert 'serve: is not installed; pip install "triptych[api]"' in refused([], REDIS, monkeypatch, capsys)


def refused(options, environment, monkeypatch, capsys) -> str:
    """The one line that it says."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["triptych", "serve", *options])
    assert main() == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert out == ""
    assert "s3cret" not in err
    return str(err)
