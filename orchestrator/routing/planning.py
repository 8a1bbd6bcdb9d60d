"""The plan's words, without a model: sub-questions, search queries and assumptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.contracts import TaskSpec
from orchestrator.language import content_words, words
from orchestrator.routing.questions import sub_questions

MAX_QUERIES = 8
PASSAGES_PER_JOB = 16
"""Enough for six claims from several sources, and about 4,000 tokens of prompt."""
_MAX_QUERY_CHARS = 400
_MAX_ASSUMPTION_CHARS = 300
_LANGUAGES = {"en": "English", "ko": "Korean", "ja": "Japanese", "zh": "Chinese"}


@dataclass(frozen=True)
class Outline:
    """What to ask, what to take for granted, what to look for; each at most twelve entries."""

    sub_questions: tuple[str, ...]
    assumptions: tuple[str, ...]
    search_queries: tuple[str, ...]


def outline(spec: TaskSpec, language: str) -> Outline:
    """Outline a job from its own words. ``language`` is the answer's (ISO 639-1). Deterministic, linear."""
    questions = sub_questions(spec.goal)
    return Outline(
        sub_questions=questions,
        assumptions=tuple(_clipped(a, _MAX_ASSUMPTION_CHARS) for a in _assumptions(spec, language))[:12],
        search_queries=_queries(spec, questions),
    )


def _assumptions(spec: TaskSpec, language: str) -> Iterable[str]:
    if spec.scope.strip():
        yield f"The scope is: {spec.scope.strip()}"
    else:
        yield "No scope was given: the question is taken as it stands."
    name = _LANGUAGES.get(language, language)
    yield f"The answer is in {name}" + ("." if spec.language else ", the language of the question.")
    if spec.evidence_required:
        yield "Only the given documents count as evidence; what they do not say stays open."
    else:
        yield "Claims may go beyond the given documents and are then marked as uncited."
    if spec.constraints:
        yield f"Constraints to keep: {'; '.join(spec.constraints)}"
    if spec.conversation_context:
        yield "Earlier turns of the conversation say what the question refers to; they are no evidence."


def _queries(spec: TaskSpec, questions: tuple[str, ...]) -> tuple[str, ...]:
    subject = " ".join(_keywords(spec.goal)[:6])
    wanted = [spec.goal, *(questions if len(questions) > 1 else ())]
    if spec.title and content_words(spec.title):
        wanted.append(spec.title)
    for constraint in spec.constraints:
        # A constraint alone finds passages about anything; with the goal's subject it finds the right ones.
        terms = [w for w in _keywords(constraint) if w not in subject.split()][:6]
        if terms:
            wanted.append(f"{subject} {' '.join(terms)}")
    queries: dict[frozenset[str], str] = {}
    for query in wanted:
        clipped = _clipped(" ".join(query.split()), _MAX_QUERY_CHARS)
        queries.setdefault(frozenset(content_words(clipped)) or frozenset({clipped}), clipped)
    return tuple(queries.values())[:MAX_QUERIES]


def _keywords(text: str) -> list[str]:
    """Words of a text that carry meaning, as written, in order, each once."""
    return [w for w in dict.fromkeys(words(text)) if content_words(w)]


def _clipped(text: str, limit: int) -> str:
    return (
        text
        if len(text) <= limit
        else text[: text.rfind(" ", 0, limit) if " " in text[:limit] else limit].rstrip()
    )
