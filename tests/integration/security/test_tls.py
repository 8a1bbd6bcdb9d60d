"""Redis over TLS, on a server that really speaks it: certificates count for every connection, and users log in."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from kombu.exceptions import OperationalError
from pydantic import SecretStr

from orchestrator import acl
from orchestrator.broker import make_app
from orchestrator.client import Client
from orchestrator.errors import StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import connect
from tests.integration.conftest import question
from tests.integration.security.test_acl import words
from tests.nodes import wait_for, worker_node
from tests.servers import free_port

SERVER, OPENSSL = shutil.which("redis-server"), shutil.which("openssl")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        SERVER is None or OPENSSL is None,
        reason="needs a redis-server that speaks TLS (the embedded Valkey does not), and openssl",
    ),
]


@dataclass(frozen=True)
class Secure:
    """A TLS server and the folder of its certificates."""

    port: int
    folder: Path

    def url(self, *, user: str = "", **options: str) -> str:
        query = "&".join(f"{name}={self.folder / file}" for name, file in options.items())
        return f"rediss://{user}localhost:{self.port}/0" + (f"?{query}" if query else "")


def openssl(folder: Path, *arguments: str) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True)


def certify(folder: Path) -> None:
    """A CA, and by it a server's certificate for localhost and a client's."""
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        folder,
        "req",
        "-x509",
        *key,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-days",
        "2",
        "-subj",
        "/CN=test CA",
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    for name in ("server", "client"):
        openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.crt", "-days", "2", "-extfile", "names",
        )  # fmt: skip


@pytest.fixture(scope="module", params=["no", "yes"], ids=["server", "mutual"])
def secure(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """A real Redis that takes TLS connections alone; in the second round it wants a client's certificate, too."""
    folder = tmp_path_factory.mktemp("tls") / "certificates"
    certify(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = {
        "port": "0", "tls-port": str(port), "bind": "127.0.0.1", "save": "", "dir": str(folder),
        "tls-cert-file": "server.crt", "tls-key-file": "server.key", "tls-ca-cert-file": "ca.crt",
        "tls-auth-clients": request.param,
    }  # fmt: skip
    flat = [part for name, value in options.items() for part in (f"--{name}", value)]
    assert SERVER is not None
    server = subprocess.Popen([SERVER, *flat], cwd=folder, stdout=subprocess.DEVNULL)
    found = Secure(port, folder)

    def answers() -> bool:
        try:
            return bool(connect(found.url(**trust(request.param))).ping())
        except redis.exceptions.ConnectionError:
            return False

    try:
        wait_for("the server", answers)
        yield found
    finally:
        server.kill()
        server.wait()


def trust(mutual: str) -> dict[str, str]:
    known = {"ssl_ca_certs": "ca.crt"}
    return known if mutual == "no" else {**known, "ssl_certfile": "client.crt", "ssl_keyfile": "client.key"}


@pytest.fixture
def options(secure: Secure, request: pytest.FixtureRequest) -> dict[str, str]:
    return trust(request.node.callspec.params["secure"])


def test_a_worker_and_a_producer_meet_over_tls_as_their_own_users(
    secure: Secure, options: dict[str, str], tmp_path: Path
) -> None:
    admin = connect(secure.url(**options))
    for role, name in (("worker", "w"), ("producer", "p")):
        rules = acl.rules(role, tenant="acme", password="p@ss")  # type: ignore[arg-type]  # two of its names
        admin.execute_command("ACL", "SETUSER", name, *words(rules))
    admin.acl_log_reset()
    worker = worker_node(
        "worker",
        folder=tmp_path,
        env={
            "REDIS_URL": secure.url(user=f"w:{quote('p@ss')}@", **options),
            "TRIPTYCH_HOME": str(tmp_path / "home"),
        },
    )
    try:
        worker.ready()
        url = SecretStr(secure.url(user=f"p:{quote('p@ss')}@", **options))
        with Client(Settings(redis_url=url)) as producer:
            assert (
                producer.wait(producer.submit(question(tenant="acme")).ref, within_s=30).status == "complete"
            )
        assert admin.acl_log() == []
    finally:
        worker.teardown()


def test_a_certificate_that_nobody_vouches_for_is_refused_everywhere(secure: Secure, tmp_path: Path) -> None:
    url = secure.url()
    settings = Settings(redis_url=SecretStr(url))
    with pytest.raises(StoreUnavailable, match="ssl_ca_certs"), Client(settings) as producer:
        producer.check()
    with pytest.raises(OperationalError), make_app(settings).connection() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)
    worker = worker_node("worker", folder=tmp_path, env={"REDIS_URL": url})
    assert worker.wait() == 2
    assert "ssl_ca_certs" in worker.logs()
    assert "Traceback" not in worker.logs()


def test_a_certificate_for_another_name_is_refused(secure: Secure, options: dict[str, str]) -> None:
    url = secure.url(**options).replace("localhost", "127.0.0.1")
    with (
        pytest.raises(StoreUnavailable, match="certificate"),
        Client(Settings(redis_url=SecretStr(url))) as producer,
    ):
        producer.check()


def test_sentinels_and_the_primary_they_name_are_reached_over_tls(
    secure: Secure, options: dict[str, str], tmp_path: Path
) -> None:
    """They announce host names: a certificate is for one."""
    port, config = free_port(), tmp_path / "sentinel.conf"
    lines = [
        "port 0",
        f"tls-port {port}",
        "bind 127.0.0.1",
        *(f"tls-{kind}-file {secure.folder}/server.{ext}" for kind, ext in (("cert", "crt"), ("key", "key"))),
        f"tls-ca-cert-file {secure.folder}/ca.crt",
        f"tls-auth-clients {'yes' if 'ssl_certfile' in options else 'no'}",
        "tls-replication yes",
        "sentinel resolve-hostnames yes",
        "sentinel announce-hostnames yes",
        f"sentinel monitor jobs localhost {secure.port} 1",
    ]
    config.write_text("\n".join(lines) + "\n")
    assert SERVER is not None
    sentinel = subprocess.Popen([SERVER, config, "--sentinel"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    files = "&".join(f"{name}={secure.folder / file}" for name, file in options.items())
    url = f"sentinels://localhost:{port}/0?master_name=jobs&{files}"
    worker = worker_node(
        "worker", folder=tmp_path, env={"REDIS_URL": url, "TRIPTYCH_HOME": str(tmp_path / "home")}
    )
    try:
        worker.ready()
        with Client(Settings(redis_url=SecretStr(url))) as producer:
            assert producer.wait(producer.submit(question()).ref, within_s=30).status == "complete"
        unknown = Settings(redis_url=SecretStr(url.replace(files, "")))
        with pytest.raises(StoreUnavailable), Client(unknown) as producer:
            producer.check()
    finally:
        worker.teardown()
        sentinel.kill()
        sentinel.wait()
