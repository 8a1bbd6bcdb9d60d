"""The contracts as JSON Schemas (draft 2020-12), for those who read or write messages without this package."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.contracts.base import PROTOCOL
from orchestrator.contracts.events import Event
from orchestrator.contracts.evidence import Citation, Claim, Passage
from orchestrator.contracts.persona import PersonaOutput
from orchestrator.contracts.plan import Plan
from orchestrator.contracts.report import EvalReport
from orchestrator.contracts.result import Result
from orchestrator.contracts.task import TaskSpec

_TYPES: dict[str, Any] = {
    "TaskSpec": TaskSpec,
    "Plan": Plan,
    "Passage": Passage,
    "Citation": Citation,
    "Claim": Claim,
    "PersonaOutput": PersonaOutput,
    "EvalReport": EvalReport,
    "Result": Result,
    "Event": Event,
    "AttributedAnswer": AttributedAnswer,
}

NAMES = tuple(_TYPES)


def schema(name: str) -> dict[str, Any]:
    """Give one contract's schema. Raises ``KeyError`` for a name that is not in ``NAMES``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:triptych:v{PROTOCOL}:{name}",
        **TypeAdapter(_TYPES[name]).json_schema(),
        "title": name,
    }
