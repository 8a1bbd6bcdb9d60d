"""What a persona hands back, a failure included: failures are data, not exceptions."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from orchestrator.contracts.base import Frozen, Message, Persona, Sequence, Step, TaskId
from orchestrator.contracts.evidence import MAX_CLAIMS, Citation, Claim

Status = Literal["ok", "failed", "timeout"]

ErrorKind = Literal[
    "auth",  # the endpoint refused the credentials
    "context_length",  # the prompt does not fit the model
    "deadline",  # the job's time was up
    "internal",  # a defect of ours
    "model_refused",  # the model declined to answer
    "no_evidence",  # nothing relevant was found and evidence is required
    "no_inputs",  # the personas this one builds on all failed
    "overloaded",  # 429 or 5xx beyond what retries could wait for
    "provider",  # the endpoint answered with something that is not an answer
    "token_budget",  # the job's token budget was spent
    "truncated",  # the stream ended before the answer did
    "unparseable",  # the answer did not follow the contract, twice
    "unreachable",  # no connection to the endpoint
]


class Failure(Frozen):
    """Why a persona failed. ``message`` is for people and never holds a secret or document text."""

    kind: ErrorKind
    message: Annotated[str, Field(max_length=1_000)]


class Usage(Frozen):
    """Tokens, as the endpoint counted them; ``calls`` counts requests that reached a model.

    ``estimated_tokens`` come on top: what calls cost of which the endpoint did not tell, at four bytes a token. A call
    that is cut ends before the endpoint has counted.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    calls: int = 0
    estimated_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All of them: what budgets and rate limits count."""
        return self.input_tokens + self.output_tokens + self.estimated_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            calls=self.calls + other.calls,
            estimated_tokens=self.estimated_tokens + other.estimated_tokens,
        )


class Fallback(Frozen):
    """Another model was asked because one failed. ``equal``: the operator counts its answers as good as the first's."""

    model: Annotated[str, Field(max_length=300)]
    kind: ErrorKind
    used: Annotated[str, Field(max_length=300)]
    equal: bool = False


class Hedge(Frozen):
    """A call was late after so long (``after_ms``), and a backup was made beside it: ``model`` was asked then.

    ``won``: the backup's answer was used, or it went on from the first one's, which was cut. Else the first answered,
    or neither did.
    """

    model: Annotated[str, Field(max_length=300)]
    after_ms: int
    won: bool


class Timings(Frozen):
    """One step's time, in ms.

    ``started_at_ms`` is Redis TIME (epoch); the durations are monotonic. ``first_token_ms`` counts from the start
    of the step.
    """

    started_at_ms: int = 0
    queued_ms: int = 0
    first_token_ms: int | None = None
    model_ms: int = 0
    total_ms: int = 0


_NOT_IN_IDS = re.compile(r"[\s\x00-\x1f\"<>]+")


class PersonaOutput(Message):
    """One persona's contribution. ``citations`` back the summary; each claim carries its own.

    ``provider`` and ``model`` answered last, or were asked last; ``fallbacks`` says which failed on the way, ``hedges``
    which calls had a backup.
    """

    task_id: TaskId
    persona: Persona
    step: Step
    status: Status = "ok"
    failure: Failure | None = None
    summary: Annotated[str, Field(max_length=8_000)] = ""
    rationale: Annotated[str, Field(max_length=8_000)] = ""
    actions: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Sequence, Field(max_length=12)
    ] = ()
    claims: Annotated[tuple[Claim, ...], Sequence, Field(max_length=MAX_CLAIMS)] = ()
    citations: Annotated[tuple[Citation, ...], Sequence, Field(max_length=40)] = ()
    usage: Usage = Usage()
    timings: Timings = Timings()
    provider: str = ""
    model: str = ""
    fallbacks: Annotated[tuple[Fallback, ...], Sequence, Field(max_length=40)] = ()
    hedges: Annotated[tuple[Hedge, ...], Sequence, Field(max_length=40)] = ()
    prompt_hash: str = ""
    attempt: Annotated[int, Field(ge=1)] = 1

    @staticmethod
    def _from_v1(old: dict[str, Any]) -> dict[str, Any]:
        citations = [
            # Version 1 pointed with file names, which may hold what an id may not.
            {
                "passage_id": _NOT_IN_IDS.sub("_", str(c.get("pointer") or c.get("source")))[:64],
                "quote": c["quote"],
            }
            for c in old.get("citations", [])
            if (c.get("pointer") or c.get("source")) and c.get("quote")
        ]
        actions = [f"{a.get('tool', 'tool')}: {a.get('args', {})}"[:500] for a in old.get("actions", [])]
        return {**old, "step": old["persona"], "citations": citations, "actions": actions}

    upgrade_from_v1: ClassVar[Any] = _from_v1
