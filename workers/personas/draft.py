"""An answer as it is put together from its lines, and what became of it.

What does not fit is bounded or left out, and noted: nothing disappears without a ``Problem``. A citation of a
passage that the job does not have stays, for judging it is the gate's work. So do references of the synthesis
to claims that nobody made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeVar

from orchestrator.contracts import Citation, Claim
from orchestrator.contracts.evidence import MAX_CLAIMS
from orchestrator.plaintext import plain, without_controls
from workers.brief import PERSONA_OF, Form, Numbering
from workers.personas.ids import ClaimIds, as_reference, bounded_passage_id
from workers.personas.lines import CLAIM_KINDS, BadLineError, read_line, unwrap
from workers.personas.scan import Found, read_object
from workers.personas.wire import CitationLine, ClaimLine, CoversLine, TextLine, ToolLine

MAX_TEXT = 2_000
MAX_PROSE = 8_000
MAX_ACTION = 500
MAX_ACTIONS = 12
MAX_CLAIM_CITATIONS = 12
MAX_SUMMARY_CITATIONS = 40
MAX_TOOL_CALLS = 8
MAX_PROBLEMS = 50
MAX_COMPLAINTS = 20

ProblemCode = Literal[
    "cut",  # the answer ended before it was complete
    "broken_line",  # an object that is not JSON
    "bad_line",  # an object that is no answer line
    "bad_citation",  # a citation without a passage or a quote
    "bad_reference",  # an id that is not an earlier claim of the same answer, or not an id at all
    "unknown_claim",  # ``about`` names a claim that nobody made
    "clipped",  # longer than the contract allows
    "too_many",  # more of them than the contract allows
    "after_done",  # an answer line behind the last line
    "no_done",  # the last line is missing, though the answer looks complete
    "no_claims",
    "no_conclusion",
    "mostly_broken",  # more lines were lost than read
    "no_tool",  # a tool was asked for where none can be called any more
]
_LOST = ("broken_line", "bad_line")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Problem:
    """Something that was wrong with an answer. ``detail`` is for the model and holds no document text."""

    code: ProblemCode
    detail: str
    line: int = 0
    """Where, from 1; 0 where it concerns the whole answer."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.detail}" if self.line else self.detail


@dataclass(frozen=True)
class ParsedAnswer:
    """What an answer says, within the contract's bounds."""

    claims: tuple[Claim, ...] = ()
    summary: str = ""
    citations: tuple[Citation, ...] = ()
    rationale: str = ""
    actions: tuple[str, ...] = ()
    tools: tuple[ToolLine, ...] = ()
    covers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of a merge: ids of resolutions, and the further claims that each of them settles."""
    problems: tuple[Problem, ...] = ()
    defects: tuple[Problem, ...] = ()
    """What makes the answer unusable; empty where it can be used."""

    @property
    def complaints(self) -> tuple[Problem, ...]:
        """What to tell a model that has to write again: what made it unusable, then each line's fault."""
        others = (problem for problem in self.problems if problem.line and problem.code != "clipped")
        return (*self.defects, *others)[:MAX_COMPLAINTS]


@dataclass
class Draft:
    """An answer as far as it has been read."""

    form: Form
    known: frozenset[str]
    numbering: Numbering = field(default_factory=Numbering)
    claims: list[Claim] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    rationale: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    tools: list[ToolLine] = field(default_factory=list)
    covers: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    read: int = 0
    lost: int = 0
    done: bool = False
    cut: bool = False
    at: int = 0

    def __post_init__(self) -> None:
        self.ids = ClaimIds(PERSONA_OF[self.form][0], self.numbering)

    def note(self, code: ProblemCode, detail: str, line: int = 0) -> None:
        """Record a problem."""
        self.lost += code in _LOST
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, detail, line))

    def add(self, found: Found) -> None:
        """Read the next object of the answer."""
        self.at = found.line
        value = read_object(found.text) if found.closed else None
        if value is None:
            what = "is not valid JSON" if found.closed else "is an object that was never closed"
            self.note("broken_line", f"{what}; write one complete JSON object a line", self.at)
            return
        for inner in unwrap(value):
            if self.done:
                self.note("after_done", 'comes after {"kind": "done"} and was not read', self.at)
                return
            try:
                line = read_line(inner, self.form)
            except BadLineError as error:
                self.note("bad_line", str(error), self.at)
                continue
            self.read += 1
            if isinstance(line, ClaimLine):
                self._add_claim(line)
            elif isinstance(line, TextLine):
                self._add_text(line)
            elif isinstance(line, ToolLine):
                self._keep(self.tools, line, MAX_TOOL_CALLS, "tool calls")
            elif isinstance(line, CoversLine):
                self._add_covers(line)
            else:
                self.done = True

    def _add_claim(self, line: ClaimLine) -> None:
        text = self._clip(plain(line.text), MAX_TEXT)
        if not text:
            self.note("bad_line", f"a {line.kind} without a text", self.at)
            return
        most = min(MAX_CLAIMS, self.numbering.most)
        if len(self.claims) >= most:
            self.note("too_many", f"more than {most} claims", self.at)
            return
        depends_on = self._parents(line)
        claim_id = self.ids.assign(line.id)
        self.claims.append(
            Claim(
                id=claim_id,
                text=text,
                citations=self._cited(line.citations, MAX_CLAIM_CITATIONS),
                depends_on=depends_on,
                about=self._abouts(line),
                kind=line.kind,
            )
        )

    def _add_covers(self, line: CoversLine) -> None:
        resolution = as_reference(line.id)
        about = tuple(name for each in line.about if (name := as_reference(each)) in self.known and name)
        if resolution is None or not about:
            self.note("bad_reference", "covers needs a resolution's id, and claims in about", self.at)
            return
        self._keep(self.covers, (resolution, about), MAX_CLAIMS, "lines of kind covers")

    def _parents(self, line: ClaimLine) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for name in line.depends_on:
            earlier = self.ids.resolve(name)
            if earlier is None:
                self.note("bad_reference", "depends_on names no earlier claim of this answer", self.at)
            else:
                found[earlier] = None
        return tuple(found)

    def _abouts(self, line: ClaimLine) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for name in line.about:
            claim_id = as_reference(name)
            if claim_id in self.known:
                found[claim_id] = None
            elif claim_id is None or self.form != "synthesis" or claim_id.startswith("s"):
                self.note("bad_reference", "about names no claim of another persona", self.at)
            else:
                self.note("unknown_claim", f"about names {claim_id}, a claim that nobody made", self.at)
                found[claim_id] = None
        if len(found) > 2 * MAX_CLAIMS:
            self.note("too_many", "more claims in about than there can be", self.at)
        return tuple(found)[: 2 * MAX_CLAIMS]

    def _add_text(self, line: TextLine) -> None:
        text = plain(line.text)
        if not text:
            self.note("bad_line", f"a {line.kind} without a text", self.at)
        elif line.kind == "action":
            self._keep(self.actions, self._clip(text, MAX_ACTION), MAX_ACTIONS, "actions")
        else:
            paragraphs = self.summary if line.kind == "summary" else self.rationale
            room = MAX_PROSE - sum(len(paragraph) + 2 for paragraph in paragraphs)
            if room > 0:
                paragraphs.append(self._clip(text, room))
            else:
                self.note("clipped", f"the {line.kind} is over {MAX_PROSE} characters", self.at)
            if line.kind == "summary":
                self.citations += self._cited(line.citations, MAX_SUMMARY_CITATIONS - len(self.citations))

    def _cited(self, lines: tuple[CitationLine, ...], limit: int) -> tuple[Citation, ...]:
        found: dict[Citation, None] = {}
        for line in lines:
            passage, quote = bounded_passage_id(line.passage), without_controls(line.quote)
            if not passage or not quote.strip():
                self.note("bad_citation", 'a citation needs a "passage" and a "quote"', self.at)
            else:
                found[Citation(passage_id=passage, quote=self._clip(quote, MAX_TEXT))] = None
        if len(found) > limit:
            self.note("too_many", "more citations than the contract allows", self.at)
        return tuple(found)[:limit]

    def _clip(self, text: str, limit: int) -> str:
        if len(text) > limit:
            self.note("clipped", f"a text is over {limit} characters", self.at)
            return text[:limit].rstrip()
        return text

    def _keep(self, kept: list[_T], item: _T, limit: int, what: str) -> None:
        if len(kept) < limit:
            kept.append(item)
        else:
            self.note("too_many", f"more than {limit} {what}", self.at)

    def answer(self) -> ParsedAnswer:
        """Give what has been read, judged as a whole answer."""
        return ParsedAnswer(
            claims=tuple(self.claims),
            summary="\n\n".join(self.summary),
            citations=tuple(self.citations),
            rationale="\n\n".join(self.rationale),
            actions=tuple(self.actions),
            tools=tuple(self.tools),
            covers=tuple(self.covers),
            problems=tuple(self.problems),
            defects=self._defects(),
        )

    def _is_silent(self) -> bool:
        """Whether the answer says, in good order, that there is nothing to claim."""
        return (
            bool(self.summary)
            and self.done
            and not self.lost
            and not (self.form in ("synthesis", "resolution", "section") and self.known)
        )

    def _defects(self) -> tuple[Problem, ...]:
        defects = []
        if self.cut:
            defects.append(Problem("cut", "the answer ended before its last line; write a shorter one"))
        if self.tools and not self.claims:
            defects.append(Problem("no_tool", "no tool can be called any more; answer with what you have"))
        elif (
            not self.claims and not self.numbering.written and self.form != "merge" and not self._is_silent()
        ):
            kinds = " or ".join(CLAIM_KINDS[self.form])
            defects.append(Problem("no_claims", f"there is no line of kind {kinds}; at least one is needed"))
        if self.form in ("synthesis", "merge", "single") and not self.summary:
            defects.append(Problem("no_conclusion", "there is no line of kind summary, the conclusion"))
        if self.lost > self.read:
            defects.append(Problem("mostly_broken", "more lines were unreadable than readable"))
        return tuple(defects)
