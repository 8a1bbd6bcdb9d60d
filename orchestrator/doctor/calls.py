"""What the fleet's last model calls say of their endpoints: read from the ledger, no endpoint is asked.

Workers see the endpoints from where they are and with the keys that they have, which the doctor's machine may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.contracts.events import Event, StepEnd
from orchestrator.contracts.persona import ErrorKind
from orchestrator.doctor.finding import Finding, error, ok, warning

RECENT_MS = 15 * 60_000
LEAST = 3
"""Failures in a row from which on nobody calls it chance."""
REMEDIES: dict[ErrorKind, str] = {
    "auth": "give the workers a key that it takes ({variable}_API_KEY), and restart them one after the other",
    "unreachable": "on a worker's host, check {variable}_BASE_URL, the network and any proxy",
    "overloaded": "say its limits (TRIPTYCH_MODEL_LIMITS), or ask its owner for more",
    "provider": "ask its owner: it answers with something that is no answer",
    "truncated": "ask its owner: it breaks off its answers",
}
"""What an endpoint can do wrong, and what to do then; other failures are a job's or the model's."""


def judge_calls(events: Iterable[Event], *, now_ms: int) -> Iterator[Finding]:
    """Judge each endpoint by its steps of the last 15 minutes, oldest first; one that answered again is fine."""
    failed: dict[str, list[ErrorKind]] = {}
    for event in events:
        if not isinstance(event, StepEnd) or event.provider in ("", "extractive"):
            continue
        if event.at_ms < now_ms - RECENT_MS:
            continue
        in_a_row = failed.setdefault(event.provider, [])
        if event.kind in REMEDIES:
            in_a_row.append(event.kind)
        elif event.status == "ok":
            in_a_row.clear()
    for provider, kinds in sorted(failed.items()):
        yield _judge(provider, kinds)


def _judge(provider: str, kinds: list[ErrorKind]) -> Finding:
    check = f"calls to {provider}"
    if not kinds:
        return ok(check, "the workers' last one was answered")
    last = kinds[-1]
    what = f"the workers' last {len(kinds)} failed, for all retries ({last})"
    do = REMEDIES[last].format(variable=provider.upper())
    return error(check, what, do) if last == "auth" or len(kinds) >= LEAST else warning(check, what, do)
