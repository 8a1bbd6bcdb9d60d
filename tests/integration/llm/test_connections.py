"""Connections to an endpoint: kept warm, so that only the first call of a process pays for TLS."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.llm.wire import WireServer, events
from tests.integration.security.test_tls import OPENSSL, certify

pytestmark = pytest.mark.integration

YES = events({"choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}]}, "[DONE]")

CALLS = """
import json, sys, time
from tests.integration.llm.asking import REQUEST, openai
from workers.llm.client import Model

model = Model(openai(sys.argv[1]))
took = []
for _ in range(3):
    began = time.monotonic()
    assert model.complete(REQUEST, deadline=began + 20).text == "Yes."
    took.append(round(1_000 * (time.monotonic() - began), 2))
print(json.dumps(took))
"""


@pytest.mark.skipif(OPENSSL is None, reason="needs openssl to make certificates")
def test_a_second_call_reuses_the_first_ones_tls_connection(tmp_path: Path) -> None:
    certify(folder := tmp_path / "certificates")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.crt", folder / "server.key")
    server = WireServer(tls=tls)
    try:
        for _ in range(3):
            server.reply(*YES)
        # What is trusted is read when aiohttp is imported: in a process of its own.
        done = subprocess.run(
            [sys.executable, "-c", CALLS, server.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "SSL_CERT_FILE": str(folder / "ca.crt")},
        )
        assert len(json.loads(done.stdout)) == len(server.requests) == 3
        assert server.connections == 1
    finally:
        server.close()
