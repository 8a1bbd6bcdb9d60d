"""What a goal asks: its sub-questions and the words that compare, condition or reason. English and Korean."""

from __future__ import annotations

import re

from orchestrator.language import content_words, sentences

MAX_SUB_QUESTIONS = 8
_LEADING = re.compile(r"(?:and|or|but|also|그리고|또한|또|그런데)\s+", re.IGNORECASE)

_QUESTION_WORD = (
    r"(?:what|which|who|when|where|why|how|whether|is|are|does|do|did|can|should|could|would|will)\b"
)
# A new question begins; "pros and cons" does not.
_ENGLISH_SPLIT = re.compile(
    rf"[,;]?\s+(?:and|or|but)\s+(?:also\s+|if so,?\s+|then\s+)?(?={_QUESTION_WORD})|;\s+", re.IGNORECASE
)
_KOREAN_SPLIT = re.compile(
    r"(?<=[가지며고])\s*,\s+|(?<=[는은인한]지)\s+(?:그리고|또한|또)\s+|\s(?:그리고|또한)\s(?=\S+\s)"
)
_COMPARES = re.compile(
    r"\b(?:vs\.?|versus|compared?|comparison|than|better|worse|instead of|rather than|trade-?offs?)\b"
    r"|\b(?:pros and cons|differ\w*|prefer)\b"
    r"|비교|대비|보다|장단점|차이|어느\s?(?:것|쪽)|더\s?(?:낫|나은|좋)",
    re.IGNORECASE,
)
_REASONS = re.compile(
    r"\b(?:why|how come|causes?|because|impact|effects?|consequences?|should|risks?)\b"
    r"|\b(?:recommend|evaluate|assess|justify)\b"
    r"|왜|이유|원인|영향|효과|결과적|해야|권장|추천|평가|위험",
    re.IGNORECASE,
)
_CONDITIONS = re.compile(
    r"\b(?:if|unless|assuming|given that|provided|under which|depending|except|while)\b"
    r"|만약|경우|조건|전제|(?:이|하|되)면\b|제외",
    re.IGNORECASE,
)
_DERIVES = re.compile(
    r"\b(?:step[ -]by[ -]step|deriv(?:e|ation)|prove|proof|calculate|compute|work out|add up|in (?:what|which) order)\b"
    r"|단계별|단계적으로|순서대로|증명|유도하|계산|합산",
    re.IGNORECASE,
)


def sub_questions(goal: str) -> tuple[str, ...]:
    """Split a compound goal into its questions, in order; a piece without content stays with the last."""
    parts: list[str] = []
    for sentence in sentences(goal):
        for pattern in (_ENGLISH_SPLIT, _KOREAN_SPLIT):
            if pattern.search(sentence.text):
                pieces = [piece.strip(" ,;") for piece in pattern.split(sentence.text)]
                break
        else:
            pieces = [sentence.text]
        for piece in pieces:
            if content_words(piece):
                parts.append(_LEADING.sub("", piece, count=1) if _LEADING.match(piece) else piece)
            elif parts and piece:
                parts[-1] = f"{parts[-1]} {piece}"
    return tuple(dict.fromkeys(parts or [goal.strip()]))[:MAX_SUB_QUESTIONS]


def comparisons(goal: str) -> int:
    """Count the words that ask for a comparison."""
    return len(_COMPARES.findall(goal))


def judgements(goal: str) -> int:
    """Count the words that ask for reasons, effects or advice."""
    return len(_REASONS.findall(goal))


def conditions(goal: str) -> int:
    """Count the words that set a condition."""
    return len(_CONDITIONS.findall(goal))


def derivations(goal: str) -> int:
    """Count the words that ask for claims of which each follows from the one before."""
    return len(_DERIVES.findall(goal))
