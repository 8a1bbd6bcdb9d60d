"""How hard a job looks, 0 (a look-up) to 10, from what can be observed before any persona speaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from orchestrator.contracts import Complexity, Factor, Passage, Turn
from orchestrator.language import content_words, negations, quantities, sentences
from orchestrator.routing.questions import comparisons, conditions, judgements, sub_questions

_MAX_CHARS = 60_000
"""Evidence read for disagreement, best passages first (about 80 ms); planning has 0.3 s in all."""
_SHARED_WORDS = 3
"""Content words that two sentences must share before their numbers or polarity can disagree."""
_COMMON = 12
"""A word in more sentences than this tells nothing about what they have in common."""


def assess(
    goal: str,
    constraints: Sequence[str],
    passages: Sequence[Passage],
    *,
    caller: float | None = None,
    language: str = "en",
    conversation: Sequence[Turn] = (),
) -> Complexity:
    """Score a job. A caller's own score (0 to 10) stands as it is; otherwise the factors' points add up, at most 10.

    Every factor says what was observed (``value``), what it added (``points``) and why. Points are capped per factor,
    so that no single observable decides. Deterministic; linear in the goal and the passages.
    """
    if caller is not None:
        why = "the caller set the score"
        return Complexity(
            score=caller,
            source="caller",
            factors=(Factor(name="caller", value=caller, points=caller, why=why),),
        )
    terms = len(content_words(goal))
    conflicts = disagreements(passages)
    sources = len({p.source for p in passages})
    # Korean packs a clause into fewer words than English does.
    long_goal = 12 if language in {"ko", "ja", "zh"} else 18
    questions, compared = len(sub_questions(goal)) - 1, comparisons(goal)
    judged, conditional = judgements(goal), conditions(goal)
    turns = len(conversation)
    # name, value, points per unit, cap, why
    factors = (
        _factor(
            "goal_length",
            terms - 6,
            1.5 / (long_goal - 6),
            1.5,
            f"{terms} content words; six make a plain question",
        ),
        _factor("sub_questions", questions, 1.0, 2.5, f"{_n(questions, 'question')} beyond the first"),
        _factor("comparison", compared, 0.75, 1.5, f"{_n(compared, 'word')} asking to compare"),
        _factor("judgement", judged, 0.5, 1.5, f"{_n(judged, 'word')} asking for reasons, effects or advice"),
        _factor("conditions", conditional, 0.5, 1.0, f"{_n(conditional, 'condition')} in the goal"),
        _factor("constraints", len(constraints), 0.4, 1.5, f"{_n(len(constraints), 'constraint')} to keep"),
        _factor("sources", sources - 1, 0.3, 1.5, f"evidence from {sources} sources, to be weighed together"),
        _factor(
            "disagreement",
            conflicts,
            0.75,
            2.25,
            f"{_n(conflicts, 'disagreement')} between sentences of two sources",
        ),
        _factor("conversation", turns, 0.2, 0.8, f"{_n(turns, 'earlier turn')} of conversation"),
    )
    told = tuple(f for f in factors if f.points > 0)
    if not told:
        told = (
            Factor(
                name="plain", value=0.0, points=0.0, why="a short, single question with evidence that agrees"
            ),
        )
    return Complexity(score=min(10.0, round(sum(f.points for f in told), 2)), source="observed", factors=told)


def disagreements(passages: Sequence[Passage]) -> int:
    """Count pairs of sentences of different sources that share their subject and differ in a number or in polarity.

    Sharing the subject is having at least three content words in common; each pair is counted once. Words that
    stand in many sentences pair nothing, which keeps this linear.
    """
    statements: list[tuple[str, frozenset[str], frozenset[tuple[Decimal, str]], bool]] = []
    holders: dict[str, list[int]] = defaultdict(list)
    read = 0
    for passage in passages:
        read += len(passage.text)
        if read > _MAX_CHARS:
            break
        for sentence in sentences(passage.text):
            stated = quantities(sentence.text)
            words = frozenset(w for w in content_words(sentence.text) if not w[0].isdigit())
            statements.append(
                (passage.source, words, frozenset(q.key for q in stated), bool(negations(sentence.text)))
            )
            for word in words:
                holders[word].append(len(statements) - 1)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for numbers in holders.values():
        if len(numbers) <= _COMMON:
            for at, first in enumerate(numbers):
                for second in numbers[at + 1 :]:
                    if statements[first][0] != statements[second][0]:
                        shared[first, second] += 1
    return sum(
        count >= _SHARED_WORDS and _differ(statements[first][2:], statements[second][2:])
        for (first, second), count in shared.items()
    )


def _differ(
    one: tuple[frozenset[tuple[Decimal, str]], bool], other: tuple[frozenset[tuple[Decimal, str]], bool]
) -> bool:
    one_by_unit = {unit for _, unit in one[0]} & {unit for _, unit in other[0]}
    same_unit_other_value = any(
        not {v for v, u in one[0] if u == unit} & {v for v, u in other[0] if u == unit}
        for unit in one_by_unit
    )
    return same_unit_other_value or one[1] != other[1]


def _factor(name: str, value: int, per_unit: float, cap: float, why: str) -> Factor:
    value = max(0, value)
    return Factor(name=name, value=float(value), points=round(min(cap, value * per_unit), 2), why=why)


def _n(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
