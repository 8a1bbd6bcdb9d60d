"""URLs that name sentinels: what is read from them, what is refused, and what people get to see."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from orchestrator.settings import Settings, masked_url
from orchestrator.settings.sentinels import Sentinels, parse_sentinels

TWO = (("a.internal", 26379), ("b.internal", 26380))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "sentinel://a.internal:26379;b.internal:26380/2?master_name=jobs",
            Sentinels(TWO, "jobs", database=2),
        ),
        ("sentinel://a.internal;b.internal:26380?master_name=jobs", Sentinels(TWO, "jobs")),
        (
            "sentinel://:p%40ss@a.internal:26379/0;sentinel://:p%40ss@b.internal:26380/0?master_name=jobs",
            Sentinels(TWO, "jobs", login={"password": "p@ss"}),
        ),
        (
            "sentinel://app:pw@a.internal;b.internal:26380/0?master_name=jobs&sentinel_username=s&sentinel_password=%23",
            Sentinels(
                TWO,
                "jobs",
                login={"username": "app", "password": "pw"},
                sentinel_login={"username": "s", "password": "#"},
            ),
        ),
        (
            "sentinels://a.internal;b.internal:26380/0?master_name=jobs&ssl_ca_certs=/etc/ca.crt",
            Sentinels(TWO, "jobs", tls={"ssl_cert_reqs": "required", "ssl_ca_certs": "/etc/ca.crt"}),
        ),
        ("sentinel://[::1]:26379/0?master_name=jobs", Sentinels((("::1", 26379),), "jobs")),
    ],
)
def test_an_address_is_read(url: str, expected: Sentinels) -> None:
    assert parse_sentinels(url) == expected
    assert Settings(redis_url=SecretStr(url)).redis_url == SecretStr(url)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sentinel://a:26379/0", "which primary"),
        ("sentinel://a:26379/0?master_name=", "which primary"),
        ("sentinel://a:26379;/0?master_name=jobs", "without a host"),
        ("sentinel://a;sentinels://b/0?master_name=jobs", "of another kind"),
        ("sentinel://a;redis://b/0?master_name=jobs", "of another kind"),
        ("sentinel://a/jobs?master_name=jobs", "not a number"),
        ("sentinel://a:x/0?master_name=jobs", "can be read"),
        ("sentinel://a/0?master_name=jobs&db=secret", "none of master_name"),
        ("sentinel://a/0?master_name=jobs&ssl_ca_certs=secret", "none of master_name"),
    ],
)
def test_what_is_wrong_is_said_without_the_url(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        Settings(redis_url=SecretStr(url))
    assert "secret" not in str(caught.value)
    assert url not in str(caught.value)


def test_people_see_no_password_however_often_it_is_repeated() -> None:
    secret = "sentinel://u:pw1@a:1/0;sentinel://:pw2@b:2/0?master_name=m&sentinel_password=pw3"
    assert masked_url(secret) == "sentinel://u:***@a:1/0;sentinel://:***@b:2/0?***"
    short = "sentinel://u:pw1@a:1;b:2/0?master_name=m"
    assert masked_url(short) == "sentinel://u:***@a:1;sentinel://b:2/0?***"
    assert "pw" not in repr(parse_sentinels(secret))
