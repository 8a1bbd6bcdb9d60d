"""The human answer: Markdown, made of the personas' claims by a pure function, with a source behind every mark."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from orchestrator.answer_words import ENGLISH, KOREAN, Words
from orchestrator.contracts import Citation, Claim, Passage, PersonaOutput, Reason
from orchestrator.markdown import inline, paragraphs

MAX_QUOTE_CHARS = 600
MAX_DETAIL_CHARS = 300


def compose(
    synthesis: PersonaOutput | None,
    thesis: PersonaOutput | None,
    antithesis: PersonaOutput | None,
    *,
    reasons: Collection[Reason],
    language: str,
    llm_used: bool,
    passages: Collection[Passage],
) -> str:
    """Write the answer as Markdown, Korean headings for ``ko``, English ones otherwise.

    A persona whose status is not ``ok`` counts as lost. Without a synthesis thesis and antithesis stand side by
    side; without any the answer says that there is none. What is wrong with the result stands above it.
    """
    words = KOREAN if language == "ko" else ENGLISH
    sources = _Sources(passages, words)
    synthesis, thesis, antithesis = (
        output if output is not None and output.status == "ok" else None
        for output in (synthesis, thesis, antithesis)
    )
    if synthesis is not None:
        others = {claim.id: claim for output in (thesis, antithesis) if output for claim in output.claims}
        body = [*_settled(synthesis, others, sources, words)]
    elif thesis is not None or antithesis is not None:
        body = [
            *_said(thesis, words.position, sources, words),
            *_said(antithesis, words.objections, sources, words),
        ]
    else:
        body = [words.no_answer]
    parts = [_disclosure(reasons, words, llm_used=llm_used), *body, sources.section()]
    return "\n\n".join(part for part in parts if part) + "\n"


class _Sources:
    """Numbers quotes in the order in which the answer cites them; the same quote keeps its number."""

    def __init__(self, passages: Collection[Passage], words: Words) -> None:
        self._passages = {passage.id: passage for passage in passages}
        self._words = words
        self._numbers: dict[Citation, int] = {}

    def marks(self, citations: Iterable[Citation]) -> str:
        """Marks to put behind a sentence, a space before them: `` [1] [2]``."""
        numbers = [self._numbers.setdefault(citation, len(self._numbers) + 1) for citation in citations]
        return "".join(f" [{number}]" for number in dict.fromkeys(numbers))

    def section(self) -> str:
        """The numbered list of what was cited; empty where nothing was."""
        if not self._numbers:
            return ""
        entries = (f"{number}. {self._entry(citation)}" for citation, number in self._numbers.items())
        return "\n".join([f"## {self._words.sources}\n", *entries])

    def _entry(self, citation: Citation) -> str:
        quote = f"“{inline(citation.quote, MAX_QUOTE_CHARS)}”"
        passage = self._passages.get(citation.passage_id)
        if passage is None:
            return f"{self._words.unknown_passage.format(id=inline(citation.passage_id))}: {quote}"
        page = self._words.page.format(page=passage.page) if passage.page else ""
        where = ", ".join(part for part in (inline(passage.source), inline(passage.heading), page) if part)
        return f"{where}: {quote}"


def _disclosure(reasons: Collection[Reason], words: Words, *, llm_used: bool) -> str:
    lines = [] if llm_used else [words.no_llm]
    lines += [_reason(reason, words) for reason in reasons]
    return "\n>\n".join(f"> {line}" for line in lines)


def _reason(reason: Reason, words: Words) -> str:
    said = words.reasons[reason.code].format(persona=words.personas.get(reason.persona or "", ""))
    detail = ": ".join(part for part in (reason.kind or "", inline(reason.detail, MAX_DETAIL_CHARS)) if part)
    return f"**{words.degraded}** {said}" + (f" ({detail})" if detail else "")


def _settled(
    synthesis: PersonaOutput, others: dict[str, Claim], sources: _Sources, words: Words
) -> Iterator[str]:
    if synthesis.summary:
        yield f"## {words.conclusion}"
        yield paragraphs(synthesis.summary) + sources.marks(synthesis.citations)
    for kind, heading in (
        ("consensus", words.consensus), ("resolution", words.resolved), ("open", words.open)
    ):  # fmt: skip
        claims = [claim for claim in synthesis.claims if claim.kind == kind]
        if claims:
            shown = others if kind == "resolution" else {}
            yield _list(heading, (_point(claim, shown, sources, words) for claim in claims))
    yield _actions(synthesis, words)


def _said(output: PersonaOutput | None, heading: str, sources: _Sources, words: Words) -> Iterator[str]:
    if output is None:
        return
    yield f"## {heading}"
    yield paragraphs(output.summary) + sources.marks(output.citations) if output.summary else ""
    yield "\n".join(_point(claim, {}, sources, words) for claim in output.claims)
    yield _actions(output, words)


def _point(claim: Claim, others: dict[str, Claim], sources: _Sources, words: Words) -> str:
    lines = [f"- {inline(claim.text)}{sources.marks(claim.citations)}"]
    for name in claim.about:
        if (other := others.get(name)) is not None:
            side = words.personas["thesis" if other.kind == "position" else "antithesis"]
            lines.append(f"  - *{side}:* {inline(other.text)}{sources.marks(other.citations)}")
    return "\n".join(lines)


def _actions(output: PersonaOutput, words: Words) -> str:
    return (
        _list(words.actions, (f"- {inline(action)}" for action in output.actions)) if output.actions else ""
    )


def _list(heading: str, items: Iterable[str]) -> str:
    return "\n".join([f"## {heading}\n", *items])
