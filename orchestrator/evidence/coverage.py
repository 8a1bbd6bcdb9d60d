"""Level 2: the verbatim quotes of a claim cover it - its content words, numbers, units, names and negations.

This is lexical: it sees what was added, dropped or changed, not whether the words stand in the same relation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from orchestrator.contracts import Claim, Finding
from orchestrator.evidence.sources import Quoted
from orchestrator.language import Negation, content_words, detect_language, negated, normalise, quantities

MIN_COVERAGE = 0.7
"""Share of a claim's distinct content words that its quotes must hold.

On labelled data (supported against not), the balanced accuracy of this share at 0.65 / 0.7 / 0.75 is: BEGIN-CMU dev
0.90 / 0.89 / 0.90, BEGIN-WoW dev 0.81 / 0.82 / 0.83, WiCE dev with oracle chunks 0.71 / 0.69 / 0.66.
"""

# Words that speak about the evidence and not from it; they need not stand in a quote.
_FRAMING = frozenset(
    content_words(
        "according source sources passage passages evidence document documents report reports reported state states "
        "stated say says said show shows shown claim claims thesis antithesis whether remain remains open unclear "
        "unresolved unknown agree agrees disagree disagrees contradict contradicts side sides hold holds however "
        "therefore although though while yet still "
        "출처 자료 문서 근거 따르면 주장 명제 반명제 남는다 남아 열려 불분명하다 불명확하다 엇갈린다 양쪽 일치한다"
    )
)
# Of these only nouns may stand where a name could.
_FRAMING_NOUNS = frozenset(
    content_words(
        "source passage evidence document report claim thesis antithesis according however therefore"
    )
)
_NAME = re.compile(r"[A-Za-z\u00c0-\u024f][\w\u00c0-\u024f]*(?:[-.]\d\w*)*", re.ASCII)
# Cyrillic and Greek letters that are drawn as Latin ones.
_LOOKS_LIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd",
    "aeopcyxijsdqABEKMHOPCTXIJSABEZHIKMNOPTYXov",
)
_ALPHABETIC = re.compile(r"[0-9A-Za-z\u0370-\u03ff\u0400-\u052f]+")
_MARKS = re.compile(r"[\u0300-\u036f\u20d0-\u20ff]+")
# Folding has composed what composes: a mark that is left belongs to no letter of any alphabet here.
_MARKED = re.compile(r"\w[\u0300-\u036f\u20d0-\u20ff]+")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_NOT_HANGUL = re.compile(r"[^\uac00-\ud7a3]+")
_SENTENCE_START = re.compile(r"(?:\A|[.!?:;\"(]\s*)\Z")


@dataclass(frozen=True)
class Evidence:
    """What a claim's verbatim quotes say, taken together."""

    quotes: tuple[Quoted, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Content words of all quotes."""
        return frozenset[str]().union(*(q.words for q in self.quotes))

    @cached_property
    def numbers(self) -> frozenset[tuple[Decimal, str]]:
        """Values and units of all quotes."""
        return frozenset(q.key for quote in self.quotes for q in quote.quantities)

    @cached_property
    def language(self) -> str:
        """The quotes' language."""
        return detect_language(" ".join(q.text for q in self.quotes))


def check_coverage(claim: Claim, quotes: Sequence[Quoted], *, evidence_required: bool) -> list[Finding]:
    """Return what the quotes do not support in the claim; findings that could not be judged say so."""
    evidence = Evidence(tuple(quotes))
    text = normalise(claim.text)
    if not any(ch.isalnum() for ch in text):
        return [_finding(claim, "nothing_to_check", "says nothing that a quote could support")]
    if not quotes:
        return _without_quotes(claim, text, evidence_required=evidence_required)
    findings = [
        *_numbers(claim, text, evidence),
        *_names(claim, text, evidence),
        *_look_alikes(claim, text, evidence),
    ]
    if _other_language(text, evidence):
        findings.append(
            _finding(claim, "other_language", "worded in another language than its quotes", judged=False)
        )
        return findings
    findings += _wording(claim, text, evidence)
    if claim.kind != "open":  # what stays open has both polarities among its quotes, and says so
        findings += _negation(claim, text, evidence)
    return findings


def _finding(claim: Claim, reason: str, detail: str, *, judged: bool = True) -> Finding:
    return Finding(level=2, reason=reason, claim_id=claim.id, detail=detail[:1_000], judged=judged)


def _without_quotes(claim: Claim, text: str, *, evidence_required: bool) -> list[Finding]:
    if claim.citations:
        return [_finding(claim, "no_verbatim_quote", "none of its quotes is verbatim")]
    if quantities(text):
        return [_finding(claim, "uncited_number", "states a number and cites nothing")]
    if claim.kind == "open":  # that nothing is said about something cannot be quoted
        return [_finding(claim, "open_uncited", "names an open point without a source", judged=False)]
    if not evidence_required:
        return [_finding(claim, "uncited", "cites nothing, which this job allows", judged=False)]
    return [_finding(claim, "uncited", "cites nothing")]


def _numbers(claim: Claim, text: str, evidence: Evidence) -> list[Finding]:
    stated = {q.key: text[q.start : q.end].strip() for q in quantities(text)}
    known = evidence.numbers
    values = {value for value, _ in known}
    findings = []
    for key in sorted(stated.keys() - known, key=lambda k: stated[k]):
        reason = "unit_differs" if key[0] in values else "number_unsupported"
        findings.append(_finding(claim, reason, f"{stated[key]} is not in its quotes"))
    return findings


def _names(claim: Claim, text: str, evidence: Evidence) -> list[Finding]:
    """Look for every name: a capitalised word, an acronym, letters with digits; in Korean text every Latin word."""
    acronyms = {name for quote in evidence.quotes for name in _NAME.findall(normalise(quote.text))}
    measured = {at for q in quantities(text) for at in range(q.start, q.end)}
    findings = []
    for match in _NAME.finditer(text):
        name = match.group()
        if match.start() in measured:  # a unit, or part of a number
            continue
        stems = set(content_words(name))
        # "US" lower-cased is a stop word, so what has no stem is compared as it is written.
        missing = (
            stems - evidence.words - (_FRAMING if _opens_sentence(text, match) else _FRAMING_NOUNS)
            if stems
            else name.isupper() and len(name) > 1 and name not in acronyms
        )
        if missing and _has_to_be_quoted(text, match, evidence):
            findings.append(_finding(claim, "name_unsupported", f"{name} is not in its quotes"))
    return findings


def _look_alikes(claim: Claim, text: str, evidence: Evidence) -> list[Finding]:
    """Words that only look like words of the quotes: letters of another script, marks that no letter takes."""
    if text.isascii():
        return []
    quoted = " ".join(normalise(q.text) for q in evidence.quotes)
    known = set(_ALPHABETIC.findall(quoted))
    words = [w for w in _ALPHABETIC.findall(text) if w not in known and _skeleton(w) in known]
    words += [w for w in _MARKED.findall(text) if w not in quoted and _skeleton(w) not in words]
    return [
        _finding(claim, "look_alike", f"{word} only looks like {_skeleton(word)}")
        for word in dict.fromkeys(words)
    ]


def _skeleton(word: str) -> str:
    return _MARKS.sub("", word).translate(_LOOKS_LIKE)


def _has_to_be_quoted(text: str, match: re.Match[str], evidence: Evidence) -> bool:
    name = match.group()
    if (
        any(ch.isdigit() for ch in name)
        or sum(ch.isupper() for ch in name) > 1
        or detect_language(text) != "en"
    ):
        return True
    if _other_language(text, evidence):  # names are translated along with the rest
        return False
    return name[0].isupper() and _is_name(text, match, evidence)


def _opens_sentence(text: str, match: re.Match[str]) -> bool:
    return bool(_SENTENCE_START.search(text[max(0, match.start() - 4) : match.start()]))


def _is_name(text: str, match: re.Match[str], evidence: Evidence) -> bool:
    """Whether a capitalised word is a name; at a sentence's start only one that the passages never write small."""
    if not _opens_sentence(text, match):
        return True
    stems = set(content_words(match.group()))
    return not any(stems & q.source.lower_case_stems for q in evidence.quotes)


def _other_language(text: str, evidence: Evidence) -> bool:
    return detect_language(text) != evidence.language


def _wording(claim: Claim, text: str, evidence: Evidence) -> list[Finding]:
    stated = set(content_words(_without_numbers(text)))
    # Korean compounds are written with and without spaces.
    run_on = _NOT_HANGUL.sub("", "".join(normalise(q.text) for q in evidence.quotes))
    missing = {
        w for w in stated - evidence.words if not (len(w) > 1 and _HANGUL.fullmatch(w) and w in run_on)
    }
    framing = missing & _FRAMING
    missing -= framing
    # A number counts like a word, but in whatever spelling it has.
    numbers = {q.key for q in quantities(text)}
    judged = len(stated) - len(framing) + len(numbers)
    if not judged:
        return [_finding(claim, "nothing_to_check", "holds no word that a quote could support")]
    coverage = 1 - (len(missing) + len(numbers - evidence.numbers)) / judged
    if coverage >= MIN_COVERAGE:
        return []
    absent = ", ".join(sorted(missing))
    return [_finding(claim, "not_covered", f"{coverage:.0%} of its words are in its quotes; not {absent}")]


def _without_numbers(text: str) -> str:
    """Blank out numbers and their units: they are judged by themselves, in any spelling."""
    kept, at = [], 0
    for quantity in quantities(text):
        kept.append(text[at : quantity.start])
        at = quantity.end
    return " ".join([*kept, text[at:]])


def _more_often(in_claim: Sequence[Negation], in_quotes: Sequence[Sequence[Negation]]) -> list[str]:
    """Return words that the claim negates twice and no quote does: two negations are no negation."""

    def times(negations: Sequence[Negation]) -> Counter[str]:
        return Counter(word for n in negations for word in n.scope)

    known = [times(negations) for negations in in_quotes]
    return sorted(
        word
        for word, count in times(in_claim).items()
        if count > 1 and 0 < max(quote[word] for quote in known) < count
    )


def _negation(claim: Claim, text: str, evidence: Evidence) -> list[Finding]:
    """Compare what is negated. Both ways: a negation that the claim adds, and one that it drops."""
    in_claim = negated(text)
    turned = {word for n in in_claim for word in n.scope}
    affirmed = set(content_words(text)) - turned
    findings = []
    around = [(quote, quote.negations) for quote in evidence.quotes]
    turned_in_quotes = {word for _, negations in around for n in negations for word in n.scope}
    for negation in in_claim:
        supported = set(negation.scope) & turned_in_quotes if negation.scope else any(ns for _, ns in around)
        if not supported:
            findings.append(
                _finding(claim, "negation_added", f"'{negation.word}' is not in its quotes' sentences")
            )
    twice = _more_often(in_claim, [negations for _, negations in around])
    findings += [
        _finding(claim, "negation_added", f"'{word}' is negated more often than in its quotes")
        for word in twice
    ]
    affirmed_in_quotes = {
        word for quote, negations in around for word in quote.words - {w for n in negations for w in n.scope}
    }
    # The two nearest words are what a negation is about; the rest of its clause may stand without it.
    about = {word for _, negations in around for n in negations for word in n.scope[:2]}
    dropped = sorted((affirmed - affirmed_in_quotes) & about)
    return findings + [
        _finding(claim, "negation_dropped", f"the source negates '{word}'") for word in dropped
    ]
