"""Sentences of the evidence, read for argument: what each says, of what, and how well it stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import groupby

from orchestrator.contracts import Claim, Passage
from orchestrator.language import content_words, negations, quantities, sentences
from workers.llm.extractive import cues

MAX_STATEMENTS = 1_500
"""So many sentences are analysed; of more, those that share most with the question's words."""
MIN_WORDS, LONG_WORDS = 4, 45
MAX_DATELINE_WORDS = 8
MAX_CHARS = 450
_SUBJECT_WORDS = 7

MOVE = "move"
"""The one term of all words for going over to something."""

_HANGUL = re.compile(r"[가-힣]")
_BULLET = re.compile(r"^(?:[-*•▪·>]+\s+|[.,;:)\]]+\s*|\(?\d{1,2}[.)]\s+|#{1,6}\s+)+")
_CODE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"^(?:\||\s{4,}\S.*[;{}=]\s*$)", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\s]{0,500}\)")
_MARK = re.compile(r"\*\*|``?|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_SPACE = re.compile(r"\s+")
_ENDED = re.compile(r"[.!。…][\"'\u201d\u2019)\]*_]*$|[다요음함임됨][\"'\u201d\u2019)]*\.?$")
_RATE = re.compile(r"\s*(?:per|an?|/)\s+(\w+)", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_CUT_DATE = re.compile(r"\d{1,2}: ")
_NEXT_SENTENCE = re.compile(r"(?<=[a-z]{4}[.!?])\s+(?=[a-z]{2,}\s)")
"""A sentence may begin with a name that is written small ("dbt")."""
_ABBREVIATED = ("approx.", "incl.", "excl.", "dept.", "prof.", "corp.", "resp.", "misc.", "assoc.")
_LABEL = re.compile(
    r"\b(?:(?i:team|week|phase|stage|step|version|release|group|region|level|line|option|site|plant|chapter|batch)"
    r"|[A-Z][a-z]+) (\d+)(?!\s*(?:%|[€$]|percent))(?=\s+(?:[a-z]+ed|took|is|was|in|on|of|has|had)\b|[.,;:)]|\Z)"
)
"""A number that names ("team 10") and counts nothing."""
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w-]+")
_NOUN = re.compile(r"[\s-]?([^\W\d_]+(?:-[^\W\d_]+)*)")


@dataclass(frozen=True)
class Statement:
    """One sentence. ``text`` is the claim it can make, ``quote`` stands verbatim in ``passage``.

    ``terms`` are its topic words, ``subject`` those near its beginning, ``figures`` its numbers with what they
    count, ``position`` its place in the passage. ``shape`` (0 to 1) says how well it stands alone. ``passage`` is
    ``None`` for a claim that cites nothing known.
    """

    text: str
    quote: str
    passage: Passage | None
    position: int
    terms: frozenset[str]
    subject: frozenset[str]
    figures: tuple[tuple[str, Decimal], ...]
    negated: bool
    contrast: bool
    valence: float
    shape: float

    @property
    def source(self) -> str:
        """The document it comes from; empty where it cites none."""
        return self.passage.source if self.passage else ""

    @property
    def stands_alone(self) -> bool:
        """Whether its subject is named in it, so that it can be held against another sentence."""
        return not cues.DANGLING.match(self.text)

    @property
    def turns(self) -> bool:
        """Whether it begins by turning on what was said before it."""
        return self.contrast and bool(cues.CONTRAST.match(self.quote))

    @cached_property
    def labels(self) -> frozenset[str]:
        """The names and the numbered things it speaks of: whose figures they are."""
        return frozenset(
            (*_NAME.findall(self.text), *(m.group().lower() for m in _LABEL.finditer(self.text)))
        )

    @property
    def key(self) -> str:
        """Equal for sentences that say the same in the same words."""
        return self.text.casefold()


def terms_of(text: str) -> frozenset[str]:
    """Topic words of a text. Korean words count by their first two syllables, which outlive most endings."""
    found = set()
    for word in content_words(text):
        if word in cues.ASKING or word[0].isdigit():
            continue
        if _HANGUL.match(word):
            found.add(MOVE if word in cues.MOVING or word[:2] in cues.MOVING else word[:2])
        elif len(word) > 1:
            found.add(MOVE if word in cues.MOVING else word)
    return frozenset(found)


def statements(passages: Iterable[Passage], question: frozenset[str]) -> tuple[Statement, ...]:
    """Read the sentences that could be claims, in order, each wording once, at most ``MAX_STATEMENTS``."""
    found = [(passage, at, quote) for passage in passages for at, quote in _sentences(passage)]
    if len(found) > MAX_STATEMENTS:
        stems = sorted(term[:6] for term in question)
        shared = [sum(stem in quote.lower() for stem in stems) for _, _, quote in found]
        kept = sorted(range(len(found)), key=lambda i: (-shared[i], i))[:MAX_STATEMENTS]
        found = [found[i] for i in sorted(kept)]
    seen: set[str] = set()
    out = []
    for passage, at, quote in found:
        statement = _read(quote, passage, at)
        if statement.shape > 0 and statement.terms and statement.key not in seen:
            seen.add(statement.key)
            out.append(statement)
    return tuple(out)


def statement_of(claim: Claim, passages: dict[str, Passage]) -> Statement:
    """Read a persona's claim the same way; its quote is the first that it cites."""
    cited = next((c for c in claim.citations if c.passage_id in passages), None)
    passage = passages[cited.passage_id] if cited else None
    position = len(sentences(passage.text[: passage.text.find(cited.quote)])) if cited and passage else 0
    read = _read(cited.quote if cited else claim.text, passage, position)
    return Statement(**{**read.__dict__, "text": claim.text, "terms": read.terms | terms_of(claim.text)})


def claim_text(quote: str) -> str:
    """Make a sentence a claim: no markup, no opening that ties it to the sentence before it."""
    text = _LINK.sub(r"\1", _BULLET.sub("", quote.strip()))
    text = _SPACE.sub(" ", _MARK.sub("", text)).strip()
    opened = cues.OPENERS.sub("", text, count=1)
    if opened and opened[0].islower() and opened != text:
        opened = opened[0].upper() + opened[1:]
    return opened or text


def _sentences(passage: Passage) -> Iterator[tuple[int, str]]:
    code = [m.span() for m in _CODE.finditer(passage.text)]
    position = -1
    for span in sentences(passage.text):
        if any(start <= span.start < end for start, end in code):
            continue
        for part in _parts(span.text):
            position += 1
            quote = _body(part)
            if quote and len(quote) <= MAX_CHARS:
                yield position, quote


def _parts(text: str) -> Iterator[str]:
    """The sentences in what was taken for one, because the next begins with a small letter."""
    at = 0
    for gap in _NEXT_SENTENCE.finditer(text):
        if not text[: gap.start()].lower().endswith(_ABBREVIATED):
            yield text[at : gap.start()]
            at = gap.end()
    yield text[at:]


def _body(text: str) -> str:
    """Take off heading lines and bullets that stand before a sentence; nothing is left of code and tables."""
    if _TABLE.search(text):
        return ""
    lines = text.split("\n")
    headings = [at for at in range(len(lines) - 1) if _is_heading(lines[at], lines[at + 1])]
    if headings:
        lines = lines[headings[-1] + 1 :]
    return _BULLET.sub("", "\n".join(lines).strip()).strip()


def _is_heading(line: str, following: str) -> bool:
    stripped, starts = line.strip(), following.lstrip()[:1]
    if not stripped or stripped.startswith("#"):
        return True
    if len(stripped.split()) > 7 or len(stripped) > 60 or re.search(r"[,;:(\u2013.!?다-]$", stripped):
        return False
    return (stripped[0].isupper() and (starts.isupper() or starts in "-*•")) or bool(_HANGUL.match(stripped))


def _read(quote: str, passage: Passage | None, position: int) -> Statement:
    text = claim_text(quote)
    return Statement(
        text=text,
        quote=quote,
        passage=passage,
        position=position,
        terms=terms_of(text),
        subject=terms_of(" ".join(text.split()[:_SUBJECT_WORDS])),
        figures=tuple(_figures(text)),
        negated=bool(negations(text)),
        contrast=bool(cues.CONTRAST.search(quote)),
        valence=cues.valence(text),
        shape=_shape(text, quote),
    )


def _figures(text: str) -> Iterator[tuple[str, Decimal]]:
    """Numbers under what they count: a unit with its rate ("euros per month"), else the noun that follows."""
    labels = {m.start(1) for m in _LABEL.finditer(text)}
    for quantity in quantities(text):
        if quantity.start in labels:
            continue
        if quantity.unit.endswith("#") or _YEAR.fullmatch(text, quantity.start, quantity.end):
            continue  # part of a date
        unit = quantity.unit
        if not unit and (noun := _NOUN.match(text, quantity.end)):
            unit = "-".join(content_words(noun[1]))
        if unit:
            rate = _RATE.match(text, quantity.end)
            yield unit + (f"/{rate[1].lower()}" if rate else ""), quantity.value


def _shape(text: str, quote: str) -> float:
    length = len(text.split())
    letters = sum(ch.isalpha() or ch.isspace() for ch in text)
    korean = bool(_HANGUL.search(text))
    if length < (3 if korean else MIN_WORDS) or letters < 0.7 * len(text):
        return 0.0
    if length <= MAX_DATELINE_WORDS and cues.DATELINE.match(text):
        return 0.0
    if cues.TITLE.match(text) or (cues.HINGE.match(text) and not korean):
        return 0.0
    if text.endswith(("?", ":")) or _CUT_DATE.match(text) or cues.BOILERPLATE.search(text):
        return 0.0
    shape = 1.0
    if not _ENDED.search(quote):
        if length < (5 if korean else 7):
            return 0.0
        shape *= 0.45
    if length > LONG_WORDS:
        shape *= 0.6
    if length < (5 if korean else 7):
        shape *= 0.8
    if cues.DANGLING.match(text):
        shape *= 0.45
    if text[:1].islower():
        shape *= 0.4
    return shape


def by_passage(found: Iterable[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """Yield runs of statements that share a passage, in order."""
    for passage_id, run in groupby(found, key=lambda s: s.passage.id if s.passage else ""):
        yield passage_id, list(run)
