"""Level 2: the verbatim quotes of a claim cover it - its content words, numbers, units, names and negations.

This is lexical: it sees what was added, dropped or changed, not whether the words stand in the same relation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from orchestrator.contracts import Claim, Finding
from orchestrator.evidence.look_alikes import look_alikes, misspelt
from orchestrator.evidence.roles import exchanged
from orchestrator.evidence.sources import Quoted
from orchestrator.evidence.statement import Evidence, Statement
from orchestrator.evidence.support import COVERED, Support, support
from orchestrator.evidence.voices import turned
from orchestrator.language import Negation, content_words, contraries, sentences
from orchestrator.language.korean_names import korean_name

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
# What begins a sentence with a capital letter and is no name all the same; other such words are known as stop words.
_OPENING = _FRAMING | frozenset(
    content_words(
        "since instead even until unless upon after before once again among along across despite within throughout "
        "several many few numerous various multiple additional another further "
        "about around roughly approximately nearly almost "
        "following concerning regarding including during today currently recently previously formerly originally "
        "initially eventually finally later meanwhile afterwards additionally moreover furthermore similarly likewise "
        "specifically especially particularly notably typically usually generally often sometimes probably possibly "
        "apparently reportedly overall thus hence accordingly consequently nevertheless nonetheless"
    )
)
# Of these only nouns may stand where a name could.
_FRAMING_NOUNS = frozenset(
    content_words(
        "source passage evidence document report claim thesis antithesis according however therefore"
    )
)
_SENTENCE_START = re.compile(r"(?:\A|[.!?:;\"(]\s*)\Z")


@dataclass(frozen=True)
class Coverage:
    """What level 2 found on one claim; ``support`` is ``None`` where its wording could not be judged."""

    findings: list[Finding]
    support: float | None = None


def check_coverage(claim: Claim, quotes: Sequence[Quoted], *, evidence_required: bool) -> Coverage:
    """Judge what the quotes support of the claim; findings that could not be judged say so."""
    claimed, evidence = Statement.of(claim.text), Evidence(tuple(quotes))
    if not any(ch.isalnum() for ch in claimed.text):
        return Coverage([_finding(claim, "nothing_to_check", "says nothing that a quote could support")], 0.0)
    if not quotes:
        return Coverage(_without_quotes(claim, claimed, evidence_required=evidence_required), 0.0)
    names = [*_names(claim, claimed, evidence), *_korean_names(claim, claimed, evidence)]
    findings = [*_numbers(claim, claimed, evidence), *names]
    copied = claimed.text in evidence.text
    if not copied:
        findings += _look_alikes(claim, claimed, evidence)
    if _other_language(claimed, evidence):
        apart = _finding(claim, "other_language", "worded in another language than its quotes", judged=False)
        return Coverage([*findings, apart])
    supported = support(claimed, evidence, missing_names=len(names), framing=_FRAMING)
    findings += _wording(claim, supported)
    if claim.kind != "open":  # what stays open has both polarities among its quotes, and says so
        findings += [*_negation(claim, claimed, evidence), *_contraries(claim, claimed, evidence)]
    if not (findings or copied):
        findings += _roles(claim, claimed, evidence)
    return Coverage(findings, supported.score)


def _finding(claim: Claim, reason: str, detail: str, *, judged: bool = True) -> Finding:
    return Finding(level=2, reason=reason, claim_id=claim.id, detail=detail[:1_000], judged=judged)


def _without_quotes(claim: Claim, claimed: Statement, *, evidence_required: bool) -> list[Finding]:
    if claim.citations:
        return [_finding(claim, "no_verbatim_quote", "none of its quotes is verbatim")]
    if claimed.quantities:
        return [_finding(claim, "uncited_number", "states a number and cites nothing")]
    if claim.kind == "open":  # that nothing is said about something cannot be quoted
        return [_finding(claim, "open_uncited", "names an open point without a source", judged=False)]
    if not evidence_required:
        return [_finding(claim, "uncited", "cites nothing, which this job allows", judged=False)]
    return [_finding(claim, "uncited", "cites nothing")]


def _numbers(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    stated = {q.key: claimed.text[q.start : q.end].strip() for q in claimed.quantities}
    values = {value for value, _ in evidence.numbers}
    findings = []
    for key in sorted(stated.keys() - evidence.numbers, key=lambda k: stated[k]):
        reason = "unit_differs" if key[0] in values else "number_unsupported"
        findings.append(_finding(claim, reason, f"{stated[key]} is not in its quotes"))
    return findings


def _names(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    """Look for every name: a capitalised word, an acronym, letters with digits; in Korean text every Latin word."""
    findings = []
    for match in claimed.names():
        name = match.group()
        if claimed.measures(match.start()):  # a unit, or part of a number
            continue
        stems = _stems(name)
        # "US" lower-cased is a stop word, so what has no stem is compared as it is written.
        missing = (
            stems - evidence.words - (_OPENING if _opens_sentence(claimed, match) else _FRAMING_NOUNS)
            if stems
            else name.isupper() and len(name) > 1 and name not in evidence.names
        )
        if missing and _has_to_be_quoted(claimed, match, evidence):
            findings.append(_finding(claim, "name_unsupported", f"{name} is not in its quotes"))
    return findings


def _korean_names(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    """Look for the names that Korean writes like any other word; another language would have translated them."""
    if claimed.language != "ko" or _other_language(claimed, evidence):
        return []
    return [
        _finding(claim, "name_unsupported", f"{word} is not in its quotes")
        for word, forms in claimed.words.items()
        for name in map(korean_name, forms)
        if name and name not in evidence.run_on
    ]


def _look_alikes(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    details = look_alikes(claimed.text, evidence) + misspelt(claimed, evidence)
    return [_finding(claim, "look_alike", detail) for detail in details]


def _roles(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    pairs = chain(exchanged(claimed, evidence), turned(claimed, evidence))
    said = max(pairs, key=lambda pair: len(pair[0]), default=None)
    detail = f"'{said[0]}', where its quotes say '{said[1]}'" if said else ""
    return [_finding(claim, "roles_exchanged", detail)] if said else []


def _has_to_be_quoted(claimed: Statement, match: re.Match[str], evidence: Evidence) -> bool:
    name = match.group()
    marked = any(ch.isdigit() for ch in name) or sum(ch.isupper() for ch in name) > 1
    if marked or claimed.language != "en":
        return True
    if _other_language(claimed, evidence):  # names are translated along with the rest
        return False
    return name[0].isupper() and _is_name(claimed, match, evidence)


@lru_cache(maxsize=16_384)
def _stems(name: str) -> frozenset[str]:
    return frozenset(content_words(name))


def _opens_sentence(claimed: Statement, match: re.Match[str]) -> bool:
    return bool(_SENTENCE_START.search(claimed.text[max(0, match.start() - 4) : match.start()]))


def _is_name(claimed: Statement, match: re.Match[str], evidence: Evidence) -> bool:
    """Whether a capitalised word is a name; at a sentence's start only one that the passages never write small."""
    if not _opens_sentence(claimed, match):
        return True
    stems = _stems(match.group())
    return not any(stems & q.source.lower_case_stems for q in evidence.quotes)


def _other_language(claimed: Statement, evidence: Evidence) -> bool:
    return claimed.language != evidence.language


def _wording(claim: Claim, supported: Support) -> list[Finding]:
    if not supported.judged:
        return [_finding(claim, "nothing_to_check", "holds no word that a quote could support")]
    if supported.score >= COVERED:
        return []
    absent = f"; not {', '.join(sorted(supported.missing))}" if supported.missing else ""
    return [_finding(claim, "not_covered", f"{supported.content:.0%} of its words are in its quotes{absent}")]


def _contraries(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    """Words of the claim that the quotes lack, where the quotes have the contrary, and the claim lacks that."""
    own = claimed.all_words | claimed.words.keys()
    known = evidence.words | evidence.all_words
    lacking = {
        word: {word, *forms} for word, forms in claimed.words.items() if known.isdisjoint((word, *forms))
    }
    found = {
        word: sorted((frozenset[str]().union(*map(contraries, forms)) & known) - own)
        for word, forms in lacking.items()
    }
    return [
        _finding(claim, "contrary", f"'{word}', where its quotes say '{others[0]}'")
        for word, others in found.items()
        if others
    ]


def _more_often(claimed: Statement, in_quotes: Sequence[Sequence[Negation]]) -> list[str]:
    """Return words that a sentence of the claim negates twice and no quote does: two negations are no negation."""

    def times(negations: Iterable[Negation]) -> Counter[str]:
        return Counter(word for n in negations for word in n.scope)

    known = [times(negations) for negations in in_quotes]
    return sorted(
        word
        for span in (sentences(claimed.text) if len(claimed.negations) > 1 else ())
        for word, count in times(n for n in claimed.negations if span.start <= n.start < span.end).items()
        if count > 1 and 0 < max(quote[word] for quote in known) < count
    )


def _negation(claim: Claim, claimed: Statement, evidence: Evidence) -> list[Finding]:
    """Compare what is negated. Both ways: a negation that the claim adds, and one that it drops."""
    in_claim = claimed.negations
    turned = {word for n in in_claim for word in n.scope}
    affirmed = claimed.all_words - turned
    findings = []
    around = [(quote, quote.negations) for quote in evidence.quotes]
    turned_in_quotes = {word for _, negations in around for n in negations for word in n.scope}
    for negation in in_claim:
        supported = set(negation.scope) & turned_in_quotes if negation.scope else any(ns for _, ns in around)
        if not supported:
            findings.append(
                _finding(claim, "negation_added", f"'{negation.word}' is not in its quotes' sentences")
            )
    twice = _more_often(claimed, [negations for _, negations in around])
    findings += [
        _finding(claim, "negation_added", f"'{word}' is negated more often than in its quotes")
        for word in twice
    ]
    # The two nearest words are what a negation is about; the rest of its clause may stand without it.
    about = affirmed & {word for _, negations in around for n in negations for word in n.scope[:2]}
    affirmed_there = (quote.words - {w for n in negations for w in n.scope} for quote, negations in around)
    dropped = sorted(about.difference(*affirmed_there)) if about else ()
    return findings + [
        _finding(claim, "negation_dropped", f"the source negates '{word}'") for word in dropped
    ]
