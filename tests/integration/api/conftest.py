"""`triptych serve` as people start it: a real server on a real Valkey, with one worker and a model behind HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from orchestrator import acl
from orchestrator.client import Client
from orchestrator.local import PrivateFleet
from orchestrator.settings import Settings
from tests.integration.conftest import PASSAGES
from tests.integration.security.test_acl import words
from tests.model_server import ModelServer
from tests.nodes import ProcessNode, worker_node
from tests.servers import free_port

LOGIN = ("ops", "canary-login-5d1f")
KEYS = {"acme": "canary-key-of-acme-71c0", "beta": "canary-key-of-beta-93ee"}
URL = re.compile(r"http://127\.0\.0\.1:[0-9]+/\S*")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Stream:
    """An open event stream, read event by event: (id, event, data)."""

    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        fields: dict[str, str] = {}
        for raw in self.response:
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                event = (fields.get("id", ""), fields["event"], fields["data"])
                self.seen.append(event)
                fields = {}
                yield event

    def until(self, name: str) -> tuple[str, str, str]:
        """Read on to the first event of that name."""
        return next(event for event in self if event[1] == name)

    def close(self) -> None:
        self.connection.close()


@dataclass(frozen=True)
class Caller:
    """Somebody who asks with the same credentials every time."""

    url: str
    headers: dict[str, str]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection, response = self._send(method, path, body, headers)
        try:
            return Answer(response.status, dict(response.headers.items()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def submit(self, **fields: Any) -> str:
        """Ask a question and return the job's id."""
        answer = self.ask("POST", "/api/v1/jobs", spec(**fields))
        assert answer.status == 202, answer.text
        return str(answer.json["task_id"])

    def stream(self, path: str, **headers: str) -> Stream:
        connection, response = self._send("GET", path, None, headers)
        assert response.status == 200, response.read()
        return Stream(connection, response)

    def _send(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, body=body, headers=sent)
        return connection, connection.getresponse()


@dataclass(frozen=True)
class Served:
    """The deployment, and who may ask it. Everything it has done stays until the last test: nothing is flushed."""

    url: str
    node: ProcessNode
    client: Client
    model: ModelServer
    environment: dict[str, str]
    metrics: str

    @property
    def nobody(self) -> Caller:
        return Caller(self.url, {})

    @property
    def operator(self) -> Caller:
        token = base64.b64encode(":".join(LOGIN).encode()).decode()
        return Caller(self.url, {"Authorization": f"Basic {token}"})

    def program(self, tenant: str) -> Caller:
        return Caller(self.url, {"Authorization": f"Bearer {KEYS[tenant]}"})


def spec(**fields: Any) -> dict[str, Any]:
    """A small question with its evidence, as a program writes it."""
    passages = [json.loads(passage.model_dump_json()) for passage in PASSAGES]
    goal = "Should the order processing move to an event queue?"
    return {"goal": goal, "inputs": {"passages": passages}, "mode": "sequential", "deadline_s": 60, **fields}


def serve_node(name: str, folder: Path, env: dict[str, str], *options: str) -> ProcessNode:
    """Start ``triptych serve`` on a free port."""
    return ProcessNode(
        name, _serve, arguments=["serve", "--port", "0", *options], folder=folder, env=env, ready="http://"
    )


def address(node: ProcessNode) -> str:
    """Where it says that it is."""
    found = URL.search(node.logs())
    assert found, node.logs()
    return found[0]


def _serve(arguments: list[str]) -> int:
    from orchestrator.cli.main import main

    sys.argv = ["triptych", *arguments]
    return main()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    home = folder / "home"
    model = ModelServer()
    fleet = PrivateFleet(Settings(home=home))
    nodes: list[ProcessNode] = []
    try:
        fleet.start_valkey()
        url = f"unix://{fleet.socket}"
        env = {"REDIS_URL": url, "TRIPTYCH_HOME": str(home)}
        nodes.append(worker_node("worker", folder=folder, env={**env, **model.environment()}))
        login = {
            "TRIPTYCH_API_LOGIN": ":".join(LOGIN),
            "TRIPTYCH_API_KEYS": ",".join(f"{tenant}={key}" for tenant, key in KEYS.items()),
        }
        with Client(Settings(redis_url=SecretStr(url))) as administrator:
            rules = words(acl.rules("operator", password="acl-word"))
            administrator.redis.execute_command("ACL", "SETUSER", "operator", *rules)
        confined = {"REDIS_URL": url.replace("unix://", "unix://operator:acl-word@")}
        port = free_port()
        scraped = {"TRIPTYCH_METRICS_PORT": str(port)}
        nodes.append(serve_node("serve", folder, {**os.environ, **env, **login, **confined, **scraped}))
        for node in nodes:
            node.ready()
        with Client(Settings(redis_url=SecretStr(url), home=home)) as client:
            yield Served(
                address(nodes[-1]).rstrip("/"), nodes[-1], client, model, env, f"http://127.0.0.1:{port}"
            )
    finally:
        for node in nodes:
            node.teardown()
        fleet.stop()
        model.close()
