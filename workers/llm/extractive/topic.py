"""What the question is about, and how much a text has to do with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from math import fsum, log

from orchestrator.language import words
from workers.brief import Brief
from workers.llm.extractive.statements import Statement, by_passage, statements, terms_of

_POLAR_EN = re.compile(
    r"^(?:should|shall|is|are|was|were|can|could|do|does|did|will|would|must|has|have|may|ought)\b"
    r"|\bwhether\b",
    re.IGNORECASE,
)
_ASKS_WHAT_KO = re.compile(r"무엇|무슨|어떤|어떻|어느|왜|언제|어디|누구|누가|얼마|몇|뭐")
_POLAR_KO = re.compile(r"(?:는가|은가|인가|가|까|까요|나|나요|니까|지|습니까)\s*[?\uff1f.]?\s*$")
_OR = re.compile(r"\bor\b|아니면|또는|혹은", re.IGNORECASE)
_SIDES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bfrom (?P<old>.{2,80}?) to (?P<new>.{2,80}?)(?:[?.,;]|$)",
        r"\breplac\w+ (?P<old>.{2,80}?) (?:with|by) (?P<new>.{2,80}?)(?:[?.,;]|$)",
        r"(?P<new>\S.{1,80}?) (?:instead of|rather than) (?P<old>.{2,80}?)(?:[?.,;]|$)",
        r"(?P<old>\S+(?: \S+)?)에서 (?P<new>.{2,60}?)(?:으로|로)(?:\s|$)",
        r"(?P<old>\S+(?: \S+)?) 대신 (?P<new>.{2,60}?)(?:을|를|로|으로)(?:\s|$)",
    )
)

GOAL, SUB_QUESTION, SEARCH = 1.0, 0.5, 0.4
"""Weight of a term by where it stands; a term counts once, at its highest."""
SAID_HERE, SAID_AROUND = 0.6, 0.4
"""How much of a sentence's relevance is its own, and how much its passage's."""
FLOOR, FLOOR_AROUND = 0.14, 0.6
"""A sentence below this share of the question's weight, or with one word of it alone, is about something else, unless
its passage as a whole is about the question."""

CLEAR = 0.5
"""Statements lean to one side when their stances add up to this."""


class Topic:
    """The question of one brief, weighed over its evidence. Deterministic: sums are exact, ties keep their order."""

    def __init__(self, brief: Brief) -> None:
        goal = brief.task.goal
        self.goal = goal
        asked: dict[str, float] = {}
        for text, weight in (
            (goal, GOAL),
            *(
                (t, SUB_QUESTION)
                for t in (*brief.plan.sub_questions, brief.task.scope, *brief.task.constraints)
            ),
            *((t, SEARCH) for t in brief.plan.search_queries),
        ):
            for term in sorted(terms_of(text)):
                asked.setdefault(term, weight)
        self.statements = statements(
            {p.id: p for p in (*brief.passages, *brief.new_passages)}.values(), frozenset(asked)
        )
        counts: dict[str, int] = {}
        for statement in self.statements:
            for term in statement.terms:
                counts[term] = counts.get(term, 0) + 1
        total = len(self.statements)
        self._idf = {term: log(1 + total / count) for term, count in counts.items()}
        self._rare = log(1 + total) if total else 1.0
        self._asked = {term: weight * self.idf(term) for term, weight in asked.items()}
        self._goal_terms = terms_of(goal)
        self._goal_weight = fsum(self._asked[term] for term in self._goal_terms)
        self._old, self._new = _sides(goal)
        self._context = {
            passage_id: self.coverage(frozenset().union(terms_of(_heading(run)), *(s.terms for s in run)))
            for passage_id, run in by_passage(self.statements)
        }

    def idf(self, term: str) -> float:
        """Inverse sentence frequency of a term in this evidence."""
        return self._idf.get(term, self._rare)

    def coverage(self, terms: frozenset[str]) -> float:
        """Share of the goal's weight that these terms carry; over 1 where sub-questions add to it."""
        return fsum(self._asked[term] for term in terms & self._asked.keys()) / (self._goal_weight or 1.0)

    def relevance(self, statement: Statement) -> float:
        """How much a sentence, where it stands, has to do with the question; 0 below the floor."""
        own = self.coverage(statement.terms)
        around = self._context.get(statement.passage.id, 0.0) if statement.passage else 0.0
        shared = len(statement.terms & self._goal_terms)
        if own == 0 or (around < FLOOR_AROUND and (own < FLOOR or shared < min(2, len(self._goal_terms)))):
            return 0.0
        return SAID_HERE * min(1.0, own) + SAID_AROUND * min(1.0, around)

    def closeness(self, one: frozenset[str], other: frozenset[str]) -> float:
        """Share of their weight that two sets of terms have in common (Dice), 0 to 1."""
        both = fsum(self.idf(term) for term in one & other)
        return 2 * both / (fsum(map(self.idf, one)) + fsum(map(self.idf, other))) if both else 0.0

    def side(self, statement: Statement) -> int:
        """1: speaks of what the question proposes; -1: begins with what that would replace; 0: both, neither."""
        if self._new & statement.terms:
            return 0 if self._old & statement.terms else 1
        return -1 if self._old & statement.subject else 0

    def stance(self, statement: Statement) -> float:
        """-1 (against what the question proposes) to 1 (for it); ill of what it would replace is for it."""
        if statement.negated and self._does_without(statement.text):
            return -1.0
        return -statement.valence if self.side(statement) < 0 else statement.valence

    def leaning(self, statements: Iterable[Statement]) -> int:
        """1 or -1 where these speak for or against what is asked; 0 where they do not, or no yes or no is asked."""
        total = fsum(map(self.stance, statements)) if self.polar else 0.0
        return 0 if abs(total) < CLEAR else (1 if total > 0 else -1)

    def _does_without(self, text: str) -> bool:
        """Whether it says that there is no need of what the question proposes ("it needs no event queue")."""
        tokens = words(text)
        without = [at for at, token in enumerate(tokens) if token in {"no", "without"}]
        return any(terms_of(" ".join(tokens[at + 1 : at + 3])) & self._new for at in without)

    def missing(self, covered: Iterable[frozenset[str]]) -> frozenset[str]:
        """Terms of the question that none of these sets holds."""
        return frozenset(self._asked).difference(*covered)

    def key_terms(self, count: int) -> tuple[str, ...]:
        """Words of the goal that carry most weight, as they are written there."""
        written = [w for w in dict.fromkeys(re.findall(r"\w[\w-]*", self.goal)) if terms_of(w)]
        ranked = sorted(written, key=lambda w: -fsum(map(self.idf, terms_of(w))))[:count]
        return tuple(w for w in written if w in ranked)

    @cached_property
    def polar(self) -> bool:
        """Whether the question asks for yes or no."""
        if _OR.search(self.goal):
            return False
        if re.search(r"[가-힣]", self.goal):
            return not _ASKS_WHAT_KO.search(self.goal) and bool(_POLAR_KO.search(self.goal))
        return bool(_POLAR_EN.search(self.goal))


def _sides(goal: str) -> tuple[frozenset[str], frozenset[str]]:
    for pattern in _SIDES:
        if found := pattern.search(goal):
            old, new = terms_of(found["old"]), terms_of(found["new"])
            return old - new, new - old
    return frozenset(), frozenset()


def _heading(run: list[Statement]) -> str:
    return run[0].passage.heading if run[0].passage else ""
