"""HTTP for the adapters: a warm session per endpoint, and what it means when a call gets no answer.

- TLS trusts what the system trusts (OpenSSL's paths; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are honoured).
- ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` are honoured, except towards this machine itself: a model
  server on localhost is never reached through a proxy. ``~/.netrc`` is not read: credentials come from the
  settings only.
- Redirects are not followed: the key and the prompt go to the host that was configured, or nowhere.
- With ``NO_REMOTE_MODELS=1`` in the environment no other host is called. It is inherited by
  worker processes, so a test run that sets it cannot reach a real endpoint.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import SecretStr

from orchestrator import __version__
from orchestrator.errors import ModelError, RetryableModelError
from workers.llm.address import base_address, is_loopback, proxy_for
from workers.llm.answer import Answer, Limits
from workers.llm.failures import Failure, Target, complaint_in, failure_of, quotable, retry_after

NO_REMOTE_MODELS = "NO_REMOTE_MODELS"

MAX_ERROR_BYTES = 8_192
_MAX_REWORDINGS = 2

Body = Mapping[str, Any]

# Kept on purpose: collecting the parent's sessions in a child after a fork would make the parent deaf on them.
_inherited: list[aiohttp.ClientSession] = []


class Endpoint:
    """One base address with its credentials, used on the process's loop; its session is made late."""

    def __init__(
        self,
        *,
        base_url: str,
        target: Target,
        headers: Mapping[str, str],
        key: SecretStr | None,
        limits: Limits,
    ) -> None:
        self._base = base_address(base_url, target.url_setting)
        self._target = target
        self._headers = {
            "User-Agent": f"triptych/{__version__}",
            "Content-Type": "application/json",
            **headers,
        }
        self._key = key
        self._limits = limits
        self._proxy = proxy_for(self._base)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    @asynccontextmanager
    async def post(
        self,
        path: str,
        body: Body,
        *,
        prompt: Iterable[str],
        reword: Callable[[str], Body | None] = lambda _: None,
    ) -> AsyncIterator[Answer]:
        """Send ``body`` and hand over the answer; the connection is closed, or kept warm, on leaving.

        ``reword`` may turn a refusal's words into another body to send instead, at most twice. ``prompt`` is
        what no message may repeat. Raises ``ModelError`` and ``RetryableModelError``.
        """
        next_body: Body | None = body
        for rewordings in range(_MAX_REWORDINGS + 1):
            async with await self._open(path, next_body or body) as response:
                if response.status == 200:
                    answer = self._answer(response)
                    try:
                        yield answer
                    finally:
                        answer.close()
                    return
                failure, words = await self._refusal(response, prompt)
                next_body = reword(words) if response.status in (400, 422) else None
            if next_body is None or rewordings == _MAX_REWORDINGS:
                raise failure

    async def aclose(self) -> None:
        """Close the kept connections. A later ``post`` opens a new session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _open(self, path: str, body: Body) -> aiohttp.ClientResponse:
        if os.environ.get(NO_REMOTE_MODELS) and not is_loopback(self._base):
            raise ModelError(
                "unreachable", f"{NO_REMOTE_MODELS} is set, and {self._target.host} is another machine"
            )
        # A lone surrogate from a broken document must not cost the whole call.
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        try:
            async with asyncio.timeout(self._limits.first_text_s):
                return await self._opened().post(
                    self._base.joinpath(path).with_query(self._base.query),
                    data=payload,
                    headers=self._headers,
                    proxy=self._proxy,
                    allow_redirects=False,
                )
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: Exception) -> Failure:
        """What a call means that got no answer at all."""
        host, setting = self._target.host, self._target.url_setting
        if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError, aiohttp.ServerFingerprintMismatch)):
            advice = f"check {setting}, or point SSL_CERT_FILE at the right certificates"
            return ModelError("unreachable", f"no trusted TLS connection to {host}; {advice}")
        if isinstance(error, aiohttp.InvalidURL):
            return ModelError("unreachable", f"{host} is no address one can connect to; check {setting}")
        if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
            # It is there, and does not get to it: that says more of the model than of the way to it.
            return RetryableModelError("overloaded", f"{host} took the request and did not answer in time")
        return RetryableModelError("unreachable", f"no connection to {host}; is it running? check {setting}")

    def _answer(self, response: aiohttp.ClientResponse) -> Answer:
        if response.content_type in ("text/html", "application/xhtml+xml"):
            advice = f"check {self._target.url_setting}"
            raise ModelError(
                "provider", f"{self._target.host} answered with a web page, not a stream; {advice}"
            )
        return Answer(response, self._target, self._limits)

    async def _refusal(self, response: aiohttp.ClientResponse, prompt: Iterable[str]) -> tuple[Failure, str]:
        raw = b""
        try:
            async with asyncio.timeout(self._limits.tail_s):
                while len(raw) < MAX_ERROR_BYTES and (chunk := await response.content.readany()):
                    raw += chunk
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass  # the status alone says enough
        complaint = complaint_in(raw[:MAX_ERROR_BYTES])
        key = self._key.get_secret_value() if self._key else None
        failure = failure_of(
            response.status,
            complaint,
            self._target,
            retry_after_s=retry_after(response.headers, time.time()),
            quote=quotable(complaint.message, key=key, prompt=prompt),
        )
        return failure, f"{complaint.code} {complaint.message}"

    def _opened(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            if self._session is not None and self._pid != os.getpid():
                _inherited.append(self._session)
            self._session = aiohttp.ClientSession(
                # How many calls run at once is the threads' and the limiter's business.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect_s),
                # A compressing gateway holds back events until it has a block's worth.
                headers={"Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._loop, self._pid = loop, os.getpid()
        return self._session
