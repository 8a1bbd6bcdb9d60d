"""``python -m benchmarks.latency.endpoint``: a simulated model server over real HTTP and SSE, in a process of its own.

``POST /v1/chat/completions`` and ``POST /v1/messages`` answer a simulated job's prompt in the time that
:mod:`world` gives it, divided by ``--scale``; ``GET /book`` says what every call so far was and cost. It prints
``listening on PORT``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from typing import Any

from benchmarks.latency import wire
from benchmarks.latency.answering import CHUNK_TOKENS, Asked, cut
from benchmarks.latency.book import Entry
from benchmarks.latency.world import RATE, Call

LEAST_GAP_S = 0.02
"""Between two events of a stream: at a large scale more tokens come at a time."""
CACHE_UNIT = 128
CACHE_LEAST = 1_024
"""A prefix of fewer tokens is not cached, a longer one in steps of the unit: as OpenAI documents it."""
MOST_WARM = 2_000
STREAM_MARK = "simulated stream of "
"""``... 600 tokens``: a prompt that asks for words at the rate, one token at a time, and for nothing else."""


class Endpoint:
    """The server. ``seed`` decides all luck."""

    def __init__(self, *, seed: int, scale: float) -> None:
        self._seed = seed
        self._scale = scale
        self._calls: Counter[tuple[str, int, str]] = Counter()
        self._warm: dict[tuple[str, int], tuple[float, str]] = {}
        self.book: list[Entry] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept for as long as its client wants."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while request := await _request(reader):
                path, body = request
                async with aclosing(self._answer(path, body)) as pieces:
                    async for piece in pieces:
                        if reader.at_eof() or writer.is_closing():
                            raise ConnectionError("the client hung up")
                        writer.write(piece)
                await writer.drain()
        writer.close()

    async def _answer(self, path: str, body: dict[str, Any]) -> AsyncGenerator[bytes]:
        if path == "/book":
            yield wire.document({"calls": [list(entry) for entry in self.book]})
            return
        prompt = _prompt(body)
        dialect = wire.ANTHROPIC if path.endswith("/messages") else wire.OPENAI
        if STREAM_MARK in prompt:
            tokens = int(prompt.partition(STREAM_MARK)[2].split()[0])
            call, pieces = Call(0.0, tokens / RATE, tokens), cut("word " * tokens, 0.0, 1.0, tokens)
            async for data in self._streamed(dialect, call, pieces, wire.Tokens(len(prompt) // 4, 0, tokens)):
                yield data
            return
        asked = Asked.read(prompt)
        if asked is None:
            yield wire.document({"error": {"message": "not a simulated job's prompt"}}, "400 Bad Request")
            return
        async for data in self._simulated(asked, dialect, streams=bool(body.get("stream"))):
            yield data

    async def _simulated(
        self, asked: Asked, dialect: wire.Dialect, *, streams: bool
    ) -> AsyncGenerator[bytes]:
        job, part = asked.job, asked.part
        attempt = self._calls[job.run, job.number, part]
        self._calls[job.run, job.number, part] += 1
        call = job.call(self._seed, part, attempt).rest(asked.written_share)
        tokens = wire.Tokens(len(asked.prompt) // 4, self._cached(asked, call.first_s), call.tokens)
        begun = _now()
        entry = Entry(job.run, job.number, part, attempt, tokens.prompt, tokens.cached, 0)
        self.book.append(entry)
        at = len(self.book) - 1
        pieces = asked.pieces(call.tokens, chunk=max(CHUNK_TOKENS, RATE * LEAST_GAP_S * self._scale))
        try:
            if streams:
                async for data in self._streamed(dialect, call, pieces, tokens):
                    yield data
            else:
                text = "".join(piece for _, piece in pieces)
                await self._until(begun, call.total_s)
                yield wire.completion(text, tokens)
        finally:  # a client that hangs up has been written for until now
            spoken_s = (_now() - begun) * self._scale - call.first_s
            written = round(call.tokens * min(1.0, max(0.0, spoken_s / max(call.decode_s, 1e-9))))
            self.book[at] = entry._replace(written=written)

    async def _streamed(
        self, dialect: wire.Dialect, call: Call, pieces: Iterable[tuple[float, str]], tokens: wire.Tokens
    ) -> AsyncGenerator[bytes]:
        begun = _now()
        await self._until(begun, call.first_s)
        yield wire.STREAM + dialect.opened(tokens)
        for share, text in pieces:
            await self._until(begun, call.at_s(share))
            yield dialect.said(text)
        yield dialect.ended(tokens) + wire.END

    async def _until(self, begun: float, after_s: float) -> None:
        """Never later because an earlier piece was: tokens do not wait for those who read them."""
        await asyncio.sleep(max(0.0, begun + after_s / self._scale - _now()))

    def _cached(self, asked: Asked, first_s: float) -> int:
        """Tokens of the prompt that a prefix cache has from the job's first call, once that has been read."""
        now, key = _now(), (asked.job.run, asked.job.number)
        known = self._warm.get(key)
        if known is None:
            self._warm[key] = (now + first_s / self._scale, asked.prompt)
            if len(self._warm) > MOST_WARM:
                self._warm.pop(next(iter(self._warm)))
            return 0
        ready, prompt = known
        alike = next((n for n, (a, b) in enumerate(zip(asked.prompt, prompt, strict=False)) if a != b), 0)
        longest = alike // 4 if now >= ready else 0
        return longest // CACHE_UNIT * CACHE_UNIT if longest >= CACHE_LEAST else 0


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]] | None:
    """Path and body of the next request; ``None`` where the client is gone."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    length = next((int(f.partition(":")[2]) for f in fields if f.lower().startswith("content-length:")), 0)
    body = await reader.readexactly(length)
    return first.split()[1], json.loads(body) if body else {}


def _prompt(body: dict[str, Any]) -> str:
    """System text and turns of either API as one text."""
    said = [body.get("system") or "", *(turn["content"] for turn in body["messages"])]
    return "\n".join(
        text if isinstance(text, str) else "".join(part.get("text", "") for part in text) for text in said
    )


async def _run(endpoint: Endpoint) -> None:
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, limit=4_000_000, backlog=1_000)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A simulated model endpoint.")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--scale", type=float, required=True)
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(Endpoint(seed=arguments.seed, scale=arguments.scale)))


if __name__ == "__main__":
    main()
