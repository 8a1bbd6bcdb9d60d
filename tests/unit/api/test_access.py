"""Who may do what over HTTP: a table of requests."""

from __future__ import annotations

import base64

import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers

from orchestrator.api.access import Access, Caller, access_for, host_of
from orchestrator.api.problems import Problem
from orchestrator.errors import InvalidInput, InvalidSettings
from orchestrator.settings import Settings, load_settings

PASSWORD, KEY, OTHER_KEY = "s3cret:with:colons", "key-of-acme-0123456789", "key-of-beta-0123456789"
ACCESS = Access(
    logins=(f"ops:{PASSWORD}", "ada:lovelace-1815"),
    keys=(("acme", KEY), ("beta", OTHER_KEY)),
    hosts=frozenset({"localhost", "127.0.0.1", "::1", "triptych.example"}),
)
OPEN = Access(open=True)
JOBS, PAGE = "/api/v1/jobs", "/jobs/j1"


def basic(login: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def decide(method: str, path: str, headers: dict[str, str], access: Access = ACCESS) -> Caller | int | None:
    """Who it is, or the status that refuses it."""
    verdict = access.decide(method, path, Headers({"Host": "127.0.0.1:8321", **headers}))
    return verdict.status if isinstance(verdict, Problem) else verdict


OPS, ADA, ACME = Caller("ops"), Caller("ada"), Caller("the key of acme", "acme")
SAME = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "verdict"),
    [
        # credentials
        ("GET", JOBS, {}, 401),
        ("GET", JOBS, basic(f"ops:{PASSWORD}"), OPS),
        ("GET", JOBS, {"Authorization": basic(f"ops:{PASSWORD}")["Authorization"].replace("Basic", "bAsIc")}, OPS),
        ("GET", PAGE, basic("ada:lovelace-1815"), ADA),
        ("GET", JOBS, basic(f"ada:{PASSWORD}"), 401),
        ("GET", JOBS, basic("ops:"), 401),
        ("GET", JOBS, basic("ops"), 401),
        ("GET", JOBS, basic(""), 401),
        ("GET", JOBS, basic(f"ops:{PASSWORD},ada:lovelace-1815"), 401),
        ("GET", JOBS, {"Authorization": "Basic not base64!"}, 401),
        ("GET", JOBS, {"Authorization": "Basic /w=="}, 401),
        ("GET", JOBS, {"Authorization": f"Digest {PASSWORD}"}, 401),
        ("GET", JOBS, bearer(KEY), ACME),
        ("POST", JOBS, bearer(KEY), ACME),
        ("GET", JOBS, bearer(KEY[:-1]), 401),
        ("GET", JOBS, bearer(KEY.upper()), 401),
        ("GET", JOBS, bearer(""), 401),
        ("GET", JOBS, bearer(f"acme={KEY}"), 401),
        ("GET", JOBS, bearer(PASSWORD), 401),
        ("GET", JOBS, basic(f"acme:{KEY}"), 401),
        # a key is for programs
        ("GET", PAGE, bearer(KEY), 403),
        ("GET", "/", bearer(KEY), 403),
        ("GET", "/static/page.css", bearer(KEY), 403),
        ("GET", "/api", bearer(KEY), 403),
        # probes
        ("GET", "/healthz", {"Host": "10.0.0.7:8321"}, None),
        ("HEAD", "/readyz", {"Host": ""}, None),
        ("POST", "/healthz", {}, 401),
        ("GET", "/healthz/", {}, 401),
        # names
        ("GET", JOBS, {"Host": "triptych.example", **bearer(KEY)}, ACME),
        ("GET", JOBS, {"Host": "TRIPTYCH.example.:443", **bearer(KEY)}, ACME),
        ("GET", JOBS, {"Host": "[::1]:8321", **bearer(KEY)}, ACME),
        ("GET", JOBS, {"Host": "evil.example", **bearer(KEY)}, 421),
        ("GET", JOBS, {"Host": "localhost.evil.example", **bearer(KEY)}, 421),
        ("GET", JOBS, {"Host": "evil.example:127.0.0.1", **bearer(KEY)}, 421),
        ("GET", JOBS, {"Host": "", **bearer(KEY)}, 421),
        # other sites: what a browser sends by itself
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), **SAME}, OPS),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), **SAME, "Sec-Fetch-Site": "none"}, OPS),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), **SAME, "Sec-Fetch-Site": "same-site"}, 403),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), **ELSEWHERE}, 403),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), **FOLLOWED}, 403),
        ("GET", PAGE, {**basic(f"ops:{PASSWORD}"), **FOLLOWED}, OPS),
        ("GET", JOBS, {**basic(f"ops:{PASSWORD}"), **ELSEWHERE}, 403),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), "Origin": "http://127.0.0.1:8321"}, OPS),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), "Origin": "http://127.0.0.1:9999"}, 403),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), "Origin": "https://evil.example"}, 403),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), "Origin": "null"}, 403),
        ("POST", JOBS, {**basic(f"ops:{PASSWORD}"), "Origin": ""}, 403),
        ("POST", JOBS, basic(f"ops:{PASSWORD}"), OPS),  # no browser: all of them say where it comes from
        ("POST", JOBS, {**bearer(KEY), **ELSEWHERE}, ACME),  # a key is never sent by itself
    ],
)  # fmt: skip
def test_a_request_is_let_in_or_told_why_not(method, path, headers, verdict):
    assert decide(method, path, headers) == verdict


@pytest.mark.parametrize(
    ("method", "headers", "verdict"),
    [
        ("GET", {}, Caller("an operator")),
        ("POST", SAME, Caller("an operator")),
        ("POST", ELSEWHERE, 403),
        ("GET", ELSEWHERE, 403),
        ("POST", {"Origin": "https://evil.example"}, 403),
        ("GET", {"Host": "evil.example"}, 421),
        ("GET", bearer(KEY), 401),
    ],
)
def test_without_a_login_it_is_for_this_machine_and_for_no_other_site(method, headers, verdict):
    assert decide(method, JOBS, headers, OPEN) == verdict


def test_who_is_refused_is_asked_for_a_login_where_there_is_one():
    refused = ACCESS.decide("GET", PAGE, Headers({"Host": "localhost"}))
    assert isinstance(refused, Problem)
    assert "Basic" in refused.headers["WWW-Authenticate"]
    by_keys_alone = Access(keys=ACCESS.keys).decide("GET", PAGE, Headers({"Host": "localhost"}))
    assert isinstance(by_keys_alone, Problem)
    assert by_keys_alone.headers == {}


def test_nothing_that_is_shown_holds_a_secret():
    refused = ACCESS.decide("GET", JOBS, Headers({"Host": "localhost", **bearer("guess-guess-guess")}))
    for shown in (repr(ACCESS), repr(refused)):
        assert not [secret for secret in (PASSWORD, KEY, "guess-guess") if secret in shown]


@pytest.mark.parametrize(
    ("host", "named"),
    [("localhost:8321", "localhost"), ("[::1]:80", "::1"), ("::1", "::1"), (" A.B ", "a.b"), ("a.:1", "a"), ("", "")],
)  # fmt: skip
def test_a_host_is_named_without_its_port(host, named):
    assert host_of(host) == named


def settings(**fields: str) -> Settings:
    return load_settings(**{name: SecretStr(value) for name, value in fields.items()})


@pytest.mark.parametrize(
    ("fields", "host", "login", "error", "said"),
    [
        ({}, "127.0.0.1", True, InvalidSettings, "TRIPTYCH_API_LOGIN: is not set, nor is TRIPTYCH_API_KEYS"),
        ({}, "0.0.0.0", False, InvalidInput, "--no-login: opens this machine's own address alone, not '0.0.0.0'"),
        ({}, "build.internal", False, InvalidInput, "--no-login: opens this machine's own address alone"),
        ({}, "", False, InvalidInput, "--no-login: opens this machine's own address alone"),
    ],
)  # fmt: skip
def test_it_does_not_open_by_mistake(fields, host, login, error, said):
    with pytest.raises(error) as refused:
        access_for(settings(**fields), host=host, login=login)
    assert str(refused.value).startswith(said)


def test_what_the_settings_say_is_what_is_let_in():
    both = settings(api_login="ops:a,ada:b", api_keys=f"acme={KEY},acme=second-key-of-acme-1")
    access = access_for(both, host="0.0.0.0", login=True, names=["Triptych.Example:443"])
    assert access.logins == ("ops:a", "ada:b")
    assert access.keys == (("acme", KEY), ("acme", "second-key-of-acme-1"))
    assert not access.open
    assert "triptych.example" in access.hosts
    without = access_for(both, host="::1", login=False)
    assert (without.open, without.logins, without.keys) == (True, (), access.keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (KEY, "must be TENANT=KEY"),
        (f"Acme={KEY}", "must be TENANT=KEY"),
        (f"acme={KEY},", "must be TENANT=KEY"),
        ("acme=with spaces in its key", "must be TENANT=KEY"),
        ("acme=too-short", "holds a key of fewer than 16 characters"),
        (f"acme={KEY},beta={KEY}", "gives the same key twice"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused_without_showing_them(keys, said):
    with pytest.raises(InvalidSettings) as refused:
        load_settings(api_keys=keys)
    assert said in str(refused.value)
    assert KEY not in str(refused.value)
    assert refused.value.field == "TRIPTYCH_API_KEYS"
