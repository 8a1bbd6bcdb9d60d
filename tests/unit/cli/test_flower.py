"""When `triptych flower` refuses to start, and what it says to do."""

from __future__ import annotations

import pytest

from orchestrator.cli.main import main

REDIS = {"REDIS_URL": "redis://nowhere.invalid/0"}
LOGIN = {"TRIPTYCH_FLOWER_LOGIN": "ops:s3cret-word"}


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ([], LOGIN, "REDIS_URL: is not set"),
        ([], REDIS, "TRIPTYCH_FLOWER_LOGIN: is not set; put USER:PASSWORD there"),
        (["--host", "0.0.0.0", "--no-login"], REDIS, "--no-login: opens this machine's own address alone"),
        (
            ["--no-login"],
            {**REDIS, "FLOWER_ADDRESS": ""},
            "--no-login: opens this machine's own address alone",
        ),
        (["--no-login", "--host", "build.internal"], {**REDIS, **LOGIN}, "--no-login: opens this machine"),
        ([], {**REDIS, **LOGIN, "FLOWER_PORT": "tcp://10.0.0.1"}, "FLOWER_*: holds what Flower cannot read"),
        (
            [],
            {**REDIS, "TRIPTYCH_FLOWER_LOGIN": "s3cret-word"},
            "TRIPTYCH_FLOWER_LOGIN: must be USER:PASSWORD",
        ),
        ([], {**REDIS, "TRIPTYCH_FLOWER_LOGIN": "ops:s3cret-word,"}, "must be USER:PASSWORD"),
        ([], {**REDIS, "TRIPTYCH_FLOWER_LOGIN": "ops:s3cret-wörd"}, "must be USER:PASSWORD in ASCII"),
    ],
)
def test_it_does_not_start(
    options: list[str],
    environment: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["triptych", "flower", *options])
    assert main() == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.count("\n") == 1
    assert "s3cret" not in out + err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**REDIS, **LOGIN}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(__import__("sys").modules, "orchestrator.broker.flower", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "flower", None)
    monkeypatch.setattr("sys.argv", ["triptych", "flower"])
    assert main() == 2
    assert 'flower: is not installed; pip install "triptych[flower]"' in capsys.readouterr().err
