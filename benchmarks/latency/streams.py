"""How many streams of 60 tokens a second one process reads in one core and 200 MB: our provider client and the SDKs.

``python -m benchmarks.latency.streams CLIENT URL COUNT SECONDS`` is the process that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.latency.endpoint import STREAM_MARK
from benchmarks.latency.world import RATE
from benchmarks.processes import ROOT, BenchmarkFailed

TRIPTYCH, OPENAI, ANTHROPIC = "triptych", "openai", "anthropic"
CLIENTS = (TRIPTYCH, OPENAI, ANTHROPIC)
COUNTS = (50, 75, 100, 150, 200, 300, 400, 500)
ONE_CORE, MEMORY_MB = 1.0, 200.0
LATE = 1.1
"""Streams that take longer than this, of their time, are not kept up with."""


@dataclass(frozen=True)
class Reading:
    """One process and its streams: cores busy, most memory in MB, and the time that all took over their own."""

    client: str
    streams: int
    cores: float
    rss_mb: float
    slowest: float

    @property
    def fits(self) -> bool:
        """Whether one core and 200 MB were enough."""
        return self.cores <= ONE_CORE and self.rss_mb <= MEMORY_MB and self.slowest <= LATE


def readings(
    url: str, told: Callable[[str], None], *, counts: tuple[int, ...], seconds: float
) -> list[Reading]:
    """Every client at ascending counts until one does not fit. Raises ``BenchmarkFailed``."""
    found = []
    for client in CLIENTS:
        for count in counts:
            found.append(_measured(client, url, count, seconds))
            told(f"streams: {found[-1]}")
            if not found[-1].fits:
                break
    return found


def _measured(client: str, url: str, count: int, seconds: float) -> Reading:
    command = [sys.executable, "-m", "benchmarks.latency.streams", client, url, str(count), str(seconds)]
    done = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=ROOT, capture_output=True, text=True, timeout=20 * seconds + 60, check=False
    )
    if done.returncode:
        raise BenchmarkFailed(f"streams of {client}: {done.stderr[-1_000:]}")
    return Reading(**json.loads(done.stdout))


def _prompt(seconds: float) -> str:
    return f"{STREAM_MARK}{round(RATE * seconds)} tokens"


class _Meter:
    """CPU and time from the start of the streams, connections and imports before it not counted."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._cpu, self._began = time.process_time(), time.monotonic()

    def stop(self) -> None:
        self.passed = time.monotonic() - self._began
        self.cores = (time.process_time() - self._cpu) / self.passed


def _with_triptych(url: str, count: int, seconds: float, meter: _Meter) -> None:
    """As a worker does it: a thread for each step, which waits for the process's one event loop."""
    from pydantic import SecretStr  # noqa: PLC0415 - each client pays for its own imports only

    from workers.llm import loop  # noqa: PLC0415 - see above
    from workers.llm.client import Model  # noqa: PLC0415 - see above
    from workers.llm.openai_compat import OpenAICompatible  # noqa: PLC0415 - see above
    from workers.llm.protocol import ChatTurn, ModelRequest  # noqa: PLC0415 - see above

    provider = OpenAICompatible("simulated", f"{url}/v1", SecretStr("none"))
    model = Model(provider)
    brief: Any = None  # a provider that reads prose does not look at it

    def one(length_s: float) -> str:
        request = ModelRequest("", (ChatTurn("user", _prompt(length_s)),), brief)
        return model.complete(request, deadline=time.monotonic() + 60 * seconds).text

    one(0.1)
    meter.start()
    with ThreadPoolExecutor(count) as pool:
        texts = list(pool.map(one, [seconds] * count))
    meter.stop()
    loop.submit(provider.aclose()).result()
    _all_said(texts, seconds)


def _with_openai(url: str, count: int, seconds: float, meter: _Meter) -> None:
    import openai  # noqa: PLC0415 - see above

    async def one(client: openai.AsyncOpenAI, length_s: float) -> str:
        stream = await client.chat.completions.create(
            model="simulated",
            messages=[{"role": "user", "content": _prompt(length_s)}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])

    async def all_of_them() -> list[str]:
        http = openai.DefaultAsyncHttpxClient(limits=_limits(count), trust_env=False)
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="none", max_retries=0, http_client=http
        ) as client:
            await one(client, 0.1)
            meter.start()
            texts = await asyncio.gather(*(one(client, seconds) for _ in range(count)))
            meter.stop()
            return texts

    _all_said(asyncio.run(all_of_them()), seconds)


def _with_anthropic(url: str, count: int, seconds: float, meter: _Meter) -> None:
    import anthropic  # noqa: PLC0415 - see above

    async def one(client: anthropic.AsyncAnthropic, length_s: float) -> str:
        stream = await client.messages.create(
            model="simulated",
            max_tokens=4_096,
            messages=[{"role": "user", "content": _prompt(length_s)}],
            stream=True,
        )
        return "".join(
            [
                event.delta.text
                async for event in stream
                if event.type == "content_block_delta" and event.delta.type == "text_delta"
            ]
        )

    async def all_of_them() -> list[str]:
        http = anthropic.DefaultAsyncHttpxClient(limits=_limits(count), trust_env=False)
        async with anthropic.AsyncAnthropic(
            base_url=url, api_key="none", max_retries=0, http_client=http
        ) as client:
            await one(client, 0.1)
            meter.start()
            texts = await asyncio.gather(*(one(client, seconds) for _ in range(count)))
            meter.stop()
            return texts

    _all_said(asyncio.run(all_of_them()), seconds)


def _limits(count: int) -> Any:  # noqa: ANN401 - the SDKs' HTTP client's own class, under whichever name it goes
    try:
        import httpx2 as http  # noqa: PLC0415 - what today's SDKs bring
    except ImportError:
        import httpx as http  # type: ignore[no-redef]  # noqa: PLC0415 - what they brought before
    return http.Limits(max_connections=count, max_keepalive_connections=count)


def _all_said(texts: list[str], seconds: float) -> None:
    short = [text for text in texts if len(text.split()) != round(RATE * seconds)]
    if short:
        raise BenchmarkFailed(f"{len(short)} of {len(texts)} streams were cut short")


def _peak_rss_mb() -> float:
    """This program's own peak; what getrusage says goes back to the process that started it."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def main() -> None:
    """Read the streams and print what that took."""
    parser = argparse.ArgumentParser(description="Read simulated streams.")
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    read = {TRIPTYCH: _with_triptych, OPENAI: _with_openai, ANTHROPIC: _with_anthropic}[arguments.client]
    meter = _Meter()
    read(arguments.url, arguments.count, arguments.seconds, meter)
    reading = Reading(
        client=arguments.client,
        streams=arguments.count,
        cores=meter.cores,
        rss_mb=_peak_rss_mb(),
        slowest=meter.passed / arguments.seconds,
    )
    print(json.dumps(asdict(reading)))


if __name__ == "__main__":
    main()
