"""The human answer: Markdown, made of the personas' claims by a pure function, with a source behind every mark."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from orchestrator.answer.markdown import inline
from orchestrator.answer.words import ENGLISH, KOREAN, Words
from orchestrator.contracts import Citation, Claim, Passage, PersonaOutput, Reason
from orchestrator.plaintext import one_line, plain

MAX_QUOTE_CHARS = 600
MAX_DETAIL_CHARS = 300
MAX_UNSUPPORTED = 5
"""Claims without support that are told above the answer, one by one."""
TAIL_CHARS = 40
"""The end of a quote by which it is found again in the text that rests on it."""

_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_SENTENCE_END = re.compile(r"[.!?\u3002)\]\"\u201d\u2019]*")


def compose(
    synthesis: PersonaOutput | None,
    thesis: PersonaOutput | None,
    antithesis: PersonaOutput | None,
    *,
    reasons: Collection[Reason],
    language: str,
    llm_used: bool,
    passages: Collection[Passage],
    unsupported: Collection[tuple[str, str]] = (),
) -> str:
    """Write the answer as Markdown, Korean headings for ``ko``, English ones otherwise.

    A persona whose status is not ``ok`` counts as lost. Without a synthesis thesis and antithesis stand side by
    side; without any the answer says that there is none. What is wrong with the result stands above it, with the
    claims that their quotes do not support: ``unsupported`` has each one's text and what it lacks.
    """
    words = KOREAN if language == "ko" else ENGLISH
    synthesis, thesis, antithesis = (
        output if output is not None and output.status == "ok" else None
        for output in (synthesis, thesis, antithesis)
    )
    heard = [output for output in (thesis, antithesis) if output]
    sources = _Sources(passages, words, [synthesis] if synthesis else heard)
    if synthesis is not None:
        others = {claim.id: claim for output in heard for claim in output.claims}
        body = [*_settled(synthesis, others, sources, words)]
    else:
        body = [
            *_said(thesis, words.position, sources, words),
            *_said(antithesis, words.objections, sources, words),
        ]
    notice = _disclosure(reasons, words, unsupported, llm_used=llm_used, answered=bool(body))
    return "\n\n".join(part for part in (notice, *body, sources.section()) if part) + "\n"


class _Sources:
    """Numbers what the answer cites in its order: places whose words the answer shows, other quotes one by one."""

    def __init__(
        self, passages: Collection[Passage], words: Words, delivered: Collection[PersonaOutput]
    ) -> None:
        self._passages = {passage.id: passage for passage in passages}
        self._words = words
        said = (text for o in delivered for text in (o.summary, *(claim.text for claim in o.claims)))
        self._said = "\n".join(map(one_line, said))
        self._numbers: dict[str, int] = {}

    def marks(self, citations: Iterable[Citation]) -> str:
        """Marks to put behind a sentence, a space before them: `` [1] [2]``."""
        numbers = [
            self._numbers.setdefault(self._entry(citation), len(self._numbers) + 1) for citation in citations
        ]
        return "".join(f" [{number}]" for number in dict.fromkeys(numbers))

    def marked(self, text: str, citations: Collection[Citation]) -> str:
        """One line of Markdown, each mark behind the sentence that its quote ends; what has no place, at the end."""
        line = one_line(text)
        placed: dict[int, list[Citation]] = {}
        for citation in citations:
            placed.setdefault(_end_of(line, citation.quote), []).append(citation)
        pieces, at = [], 0
        for end in sorted({*placed, len(line)}):
            pieces.append(inline(line[at:end]) + self.marks(placed.get(end, ())))
            at = end
        return " ".join(piece for piece in pieces if piece).strip()

    def distinct(self, citations: Iterable[Citation]) -> int:
        """Of how many documents these quotes are."""
        cited = (self._passages.get(citation.passage_id) for citation in citations)
        return len({passage.source for passage in cited if passage})

    def section(self) -> str:
        """The numbered list of what was cited; empty where nothing was."""
        if not self._numbers:
            return ""
        entries = (f"{number}. {entry}" for entry, number in self._numbers.items())
        return "\n".join([f"## {self._words.sources}\n", *entries])

    def _entry(self, citation: Citation) -> str:
        quote = f"“{inline(citation.quote, MAX_QUOTE_CHARS)}”"
        passage = self._passages.get(citation.passage_id)
        if passage is None:
            return f"{self._words.unknown_passage.format(id=inline(citation.passage_id))}: {quote}"
        page = self._words.page.format(page=passage.page) if passage.page else ""
        where = ", ".join(part for part in (inline(passage.source), inline(passage.heading), page) if part)
        return where if one_line(citation.quote) in self._said else f"{where}: {quote}"


def _end_of(line: str, quote: str) -> int:
    """Where the sentence ends that this quote stands in; the line's end where it does not."""
    tail = _tail(quote)
    at = line.find(tail)
    end = _SENTENCE_END.match(line, at + len(tail)) if at >= 0 and tail else None
    return end.end() if end else len(line)


def _tail(quote: str) -> str:
    """The end of a quote, by which it is found in the text that rests on it; its opening may have changed."""
    line = one_line(quote)
    return line[-min(TAIL_CHARS, max(1, 2 * len(line) // 3)) :]


def _disclosure(
    reasons: Collection[Reason],
    words: Words,
    unsupported: Collection[tuple[str, str]],
    *,
    llm_used: bool,
    answered: bool,
) -> str:
    """What is wrong with the result, as one block: whether there is an answer, and every reason once."""
    lines = [] if llm_used or not answered else [words.no_llm]
    if reasons or not answered:
        lead = words.degraded if answered else words.no_answer
        lines.append(" ".join((f"**{lead}**", *_reasons(reasons, words, listed=bool(unsupported)))))
    if unsupported and answered:
        lines.append("\n> ".join((words.unsupported, *_unsupported(list(unsupported), words))))
    return "\n>\n".join(f"> {line}" for line in lines)


def _unsupported(claims: list[tuple[str, str]], words: Words) -> Iterator[str]:
    for text, lacks in claims[:MAX_UNSUPPORTED]:
        why = f" ({inline(lacks, MAX_DETAIL_CHARS)})" if lacks else ""
        yield f"- “{inline(text, MAX_DETAIL_CHARS)}”{why}"
    if len(claims) > MAX_UNSUPPORTED:
        yield f"- {words.more.format(count=len(claims) - MAX_UNSUPPORTED)}"


def _reasons(reasons: Collection[Reason], words: Words, *, listed: bool) -> Iterator[str]:
    """A sentence for each reason; personas that were all lost are named together, and no detail comes twice.

    Where the unsupported claims are ``listed``, the gate's detail is not told as well.
    """
    all_lost = any(reason.code == "all_personas_lost" for reason in reasons)
    told: set[str] = set()
    for reason in sorted(reasons, key=lambda reason: reason.code != "deadline"):
        said = words.reasons[reason.code].format(persona=words.personas.get(reason.persona or "", ""))
        detail = ": ".join(
            part for part in (reason.kind or "", inline(reason.detail, MAX_DETAIL_CHARS)) if part
        )
        if detail in told or (listed and reason.code == "evidence_failed"):
            detail = ""
        told.add(detail)
        lost_too = all_lost and reason.code == "persona_lost"
        if not lost_too:
            yield f"{said} ({detail})" if detail else said
        elif detail:
            yield f"({detail})"


def _settled(
    synthesis: PersonaOutput, others: dict[str, Claim], sources: _Sources, words: Words
) -> Iterator[str]:
    if conclusion := _paragraphs(synthesis, sources):
        yield f"## {words.conclusion}"
        yield conclusion
    concluded = one_line(synthesis.summary)
    sections: dict[str, list[Claim]] = {
        heading: [] for heading in (words.found, words.consensus, words.resolved, words.open, words.one_side)
    }
    for claim in synthesis.claims:
        if claim.kind == "open" or not _told(claim, concluded):
            sections[_heading(claim, others, sources, words)].append(claim)
    for heading, claims in sections.items():
        if claims:
            shown = others if heading == words.resolved else {}
            yield _list(heading, (_point(claim, shown, sources, words) for claim in claims))
    yield _actions(synthesis, words)


def _told(claim: Claim, concluded: str) -> bool:
    """Whether the conclusion holds a claim, or both sentences of a pair, word for word."""
    if one_line(claim.text) in concluded:
        return True
    pair = claim.kind == "resolution" and len(claim.citations) > 1
    return pair and all(_tail(citation.quote) in concluded for citation in claim.citations)


def _heading(claim: Claim, others: dict[str, Claim], sources: _Sources, words: Words) -> str:
    """What is agreed needs two documents or both sides behind it; else it is what one side says.

    A position in a synthesis is a single call's, which had no sides to hear.
    """
    if claim.kind == "position":
        return words.found
    if claim.kind != "consensus":
        return words.open if claim.kind == "open" else words.resolved
    sides = {others[name].kind for name in claim.about if name in others}
    return words.consensus if len(sides) > 1 or sources.distinct(claim.citations) > 1 else words.one_side


def _paragraphs(output: PersonaOutput, sources: _Sources) -> str:
    """The summary's paragraphs, each quote marked in those that hold it, else in the last."""
    parts = [line for part in _PARAGRAPHS.split(plain(output.summary)) if (line := one_line(part))]
    cited: list[list[Citation]] = [[] for _ in parts]
    for citation in output.citations:
        holding = [at for at, part in enumerate(parts) if _tail(citation.quote) in part]
        for at in holding or range(len(parts))[-1:]:
            cited[at].append(citation)
    return "\n\n".join(map(sources.marked, parts, cited))


def _said(output: PersonaOutput | None, heading: str, sources: _Sources, words: Words) -> Iterator[str]:
    if output is None:
        return
    yield f"## {heading}"
    yield _paragraphs(output, sources)
    yield "\n".join(_point(claim, {}, sources, words) for claim in output.claims)
    yield _actions(output, words)


def _point(claim: Claim, others: dict[str, Claim], sources: _Sources, words: Words) -> str:
    lines = [f"- {sources.marked(claim.text, claim.citations)}"]
    said = one_line(claim.text)
    for name in claim.about:
        other = others.get(name)
        if other is not None and one_line(other.text) not in said:
            said += f"\n{one_line(other.text)}"  # what two of them say is told once
            side = words.personas["thesis" if other.kind == "position" else "antithesis"]
            lines.append(f"  - *{side}:* {sources.marked(other.text, other.citations)}")
    return "\n".join(lines)


def _actions(output: PersonaOutput, words: Words) -> str:
    return (
        _list(words.actions, (f"- {inline(action)}" for action in output.actions)) if output.actions else ""
    )


def _list(heading: str, items: Iterable[str]) -> str:
    return "\n".join([f"## {heading}\n", *items])
