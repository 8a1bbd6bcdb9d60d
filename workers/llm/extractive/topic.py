"""What the question is about, and how much a text has to do with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from math import fsum, log

from orchestrator.language import words
from workers.brief import Brief
from workers.llm.extractive import cues, stances
from workers.llm.extractive.statements import MOVE, Statement, by_passage, statements, terms_of

_POLAR_EN = re.compile(
    r"^(?:should|shall|is|are|was|were|can|could|do|does|did|will|would|must|has|have|may|ought)\b"
    r"|\bwhether\b",
    re.IGNORECASE,
)
_DELIBERATES = re.compile(
    r"\b(?:should|shall|ought|must|may we|can we|do we (?:need|want)|good idea|bad idea|worth|right to|whether)\b"
    r"|[가-힣]야 (?:하|할|합|되|될)|(?:할|을|를|될)까|좋은가|좋을까|필요한가|바람직|찬성|반대",
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
        r"\b(?:migrat|mov|switch|port|convert|shift)\w* (?P<old>.{2,80}?) (?:over )?to (?P<new>.{2,80}?)(?:[?.,;]|$)",
        r"(?P<new>\S.{1,80}?) (?:instead of|rather than) (?P<old>.{2,80}?)(?:[?.,;]|$)",
        r"(?P<old>\S+(?: \S+)?)에서 (?P<new>.{2,60}?)(?:으로|로)(?:\s|$)",
        r"(?P<old>\S+(?: \S+)?)[을를] (?P<new>\S{2,40}?)(?:으로|로) (?:옮|이관|전환|바꾸|바꿔|대체)",
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

OUTRIGHT = 0.34
"""A yes or no is one to this question where its sentence holds so much of the question's weight."""

SPEAKS_OF_IT = 0.12
"""The same from which words of good and ill are taken to be about the question."""

SPOKEN_TO = 0.5
"""A sentence speaks to a constraint when it holds so much of its weight."""

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
        self.goal_terms = terms_of(goal)
        self._goal_weight = {
            korean: fsum(self._asked[term] for term in self.goal_terms if _sayable(term, korean=korean))
            for korean in (False, True)
        }
        self._old, self._new, self._old_head = _sides(goal)
        self._stances: dict[tuple[str, str], float] = {}
        self._context = {
            passage_id: self.coverage(frozenset().union(terms_of(_heading(run)), *(s.terms for s in run)))
            for passage_id, run in by_passage(self.statements)
        }

    def idf(self, term: str) -> float:
        """Inverse sentence frequency of a term in this evidence."""
        return self._idf.get(term, self._rare)

    def coverage(self, terms: frozenset[str]) -> float:
        """Share of the goal's weight that these terms carry; over 1 where sub-questions add to it.

        Without a Korean word among them, the goal's Korean words are not asked for.
        """
        weight = self._goal_weight[any(map(_korean, terms))]
        return fsum(self._asked[term] for term in terms & self._asked.keys()) / (weight or 1.0)

    def relevance(self, statement: Statement) -> float:
        """How much a sentence, where it stands, has to do with the question; 0 below the floor."""
        own = self.coverage(statement.terms)
        around = self._context.get(statement.passage.id, 0.0) if statement.passage else 0.0
        shared = len(statement.terms & self.goal_terms)
        korean = any(map(_korean, statement.terms))
        needed = 2 if sum(_sayable(term, korean=korean) for term in self.goal_terms) > 2 else 1
        if own == 0 or (around < FLOOR_AROUND and (own < FLOOR or shared < needed)):
            return 0.0
        return SAID_HERE * min(1.0, own) + SAID_AROUND * min(1.0, around)

    def closeness(self, one: frozenset[str], other: frozenset[str]) -> float:
        """Share of their weight that two sets of terms have in common (Dice), 0 to 1."""
        both = fsum(self.idf(term) for term in one & other)
        return 2 * both / (fsum(map(self.idf, one)) + fsum(map(self.idf, other))) if both else 0.0

    def side(self, statement: Statement) -> int:
        """1: speaks of what the question proposes; -1: begins with what that would replace; 0: both, neither."""
        if self._new & statement.terms:
            return 0 if self._old_head & statement.terms else 1
        return -1 if self._old_head & statement.subject else 0

    def outright(self, statement: Statement) -> int:
        """1 or -1 where a sentence says yes or no to this very question, 0 elsewhere."""
        yes, no = self._said(statement)
        return yes - no

    def decides(self, statement: Statement) -> int:
        """Give what it says outright and without a condition; a yes under a condition is a yes still."""
        said = self.outright(statement)
        return 0 if said < 0 and stances.conditional(statement.text) else said

    def _said(self, statement: Statement) -> tuple[bool, bool]:
        acts = MOVE in statement.terms and MOVE in self.goal_terms
        if not self._deliberates or (self._on_question(statement) < OUTRIGHT and not acts):
            return False, False
        yes, no = stances.outright(statement.text, self.goal_terms)
        # "We should keep the old" is a no to the new.
        keeps = self.side(statement) < 0 and MOVE not in statement.terms
        return (no, yes) if keeps else (yes, no)

    def stance(self, statement: Statement) -> float:
        """-1 (against what the question proposes) to 1 (for it); ill of what it would replace is for it.

        What is said outright goes first, then what a comparison shows, then the words of good and ill, where
        the sentence speaks of what is asked.
        """
        key = (statement.source, statement.text)
        if key not in self._stances:
            self._stances[key] = self._stance(statement)
        return self._stances[key]

    def _stance(self, statement: Statement) -> float:
        if any(said := self._said(statement)):
            return float(said[0] - said[1])
        if stances.forbids(statement.text):
            return 0.0  # a rule for how, whatever is decided
        shown = stances.compared(statement, self._old, self._new)
        if (
            statement.negated
            and not shown
            and (self.does_without(statement) or self._falls_short(statement.text))
        ):
            shown = -1
        return float(shown) or self._tone(statement)

    def _tone(self, statement: Statement) -> float:
        if self._on_question(statement) < SPEAKS_OF_IT:
            return 0.0
        if (
            self.side(statement) < 0
        ):  # what the old costs is no reason against it: the new costs something too
            return -cues.valence(cues.PRICE.sub(" ", statement.text))
        return statement.valence

    def on_proposal(self, statement: Statement) -> bool:
        """Whether it speaks of what the question proposes, and not of a way without it."""
        proposed = self._new | ({MOVE} & self.goal_terms) if self._new else self.goal_terms
        return bool(proposed & statement.terms) and not {"without", "instead"}.intersection(
            words(statement.text)
        )

    def _on_question(self, statement: Statement) -> float:
        terms = self.goal_terms & statement.terms
        korean = any(map(_korean, statement.terms))
        weight = fsum(self.idf(term) for term in self.goal_terms if _sayable(term, korean=korean))
        return fsum(map(self.idf, terms)) / weight if weight else 0.0

    def leaning(self, statements: Iterable[Statement]) -> int:
        """1 or -1 where these speak for or against what is asked; 0 where they do not, or no yes or no is asked."""
        total = fsum(map(self.stance, statements)) if self.polar else 0.0
        return 0 if abs(total) < CLEAR else (1 if total > 0 else -1)

    def _falls_short(self, text: str) -> bool:
        """Whether it says what the proposed cannot do ("that dbt cannot express", "could not be migrated")."""
        tokens = words(text)
        short = [at for at, token in enumerate(tokens) if token in {"cannot", "can't", "couldn't"}]
        short += [
            at for at in range(len(tokens) - 1) if tokens[at : at + 2] in {("could", "not"), ("can", "not")}
        ]
        return any(
            terms_of(" ".join(tokens[max(0, at - 2) : at])) & self._new
            or MOVE in self.goal_terms & terms_of(" ".join(tokens[at + 1 : at + 4]))
            for at in short
        )

    def does_without(self, statement: Statement) -> bool:
        """Whether it says that there is no need of what the question proposes ("it needs no event queue")."""
        tokens = words(statement.text)
        without = [at for at, token in enumerate(tokens) if token in {"no", "without"}]
        return any(terms_of(" ".join(tokens[at + 1 : at + 3])) & self._new for at in without)

    def speaking_to(self, text: str, count: int) -> tuple[Statement, ...]:
        """The sentences nearest to a constraint, one of each document; none where none holds half of its weight."""
        asked = terms_of(text)
        weight = fsum(map(self.idf, asked))
        found: dict[str, tuple[float, Statement]] = {}
        for statement in self.statements:
            near = fsum(map(self.idf, asked & statement.terms)) / weight if weight else 0.0
            near += 0.1 * bool(statement.figures)
            if near >= SPOKEN_TO and near > found.get(statement.source, (0.0, statement))[0]:
                found[statement.source] = (near, statement)
        ranked = sorted(found.values(), key=lambda pair: -pair[0])
        return tuple(statement for _, statement in ranked[:count])

    def missing(self, covered: Iterable[frozenset[str]]) -> frozenset[str]:
        """Terms of the question that none of these sets holds."""
        return frozenset(self._asked).difference(*covered)

    def key_terms(self, count: int) -> tuple[str, ...]:
        """Words of the goal that carry most weight, as they are written there."""
        written = [w for w in dict.fromkeys(re.findall(r"\w[\w-]*", self.goal)) if terms_of(w)]
        ranked = sorted(written, key=lambda w: -fsum(map(self.idf, terms_of(w))))[:count]
        return tuple(w for w in written if w in ranked)

    @cached_property
    def _deliberates(self) -> bool:
        """Whether the question is what to do: a yes or no to "Is it safe?" is none to "Should we?"."""
        return self.polar and bool(_DELIBERATES.search(self.goal))

    @cached_property
    def wanted(self) -> int:
        """Whose voice a question asks for: 1 "Who supports it?", -1 "Who opposes it?", 0 else."""
        return 0 if self.polar else stances.sign(self.goal, frozenset())

    @cached_property
    def polar(self) -> bool:
        """Whether the question asks for yes or no."""
        if _OR.search(self.goal):
            return False
        if re.search(r"[가-힣]", self.goal):
            return not _ASKS_WHAT_KO.search(self.goal) and bool(_POLAR_KO.search(self.goal))
        return bool(_POLAR_EN.search(self.goal))


def _sides(goal: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """What the question would leave, what it would go over to, and the noun that names the former."""
    for pattern in _SIDES:
        if found := pattern.search(goal):
            old, new = terms_of(found["old"]) - {MOVE}, terms_of(found["new"]) - {MOVE}
            head = terms_of(found["old"].split()[-1]) & (old - new)
            return old - new, new - old, head or old - new
    return frozenset(), frozenset(), frozenset()


def _heading(run: list[Statement]) -> str:
    return run[0].passage.heading if run[0].passage else ""


def _korean(term: str) -> bool:
    return "\uac00" <= term[0] <= "\ud7a3"


def _sayable(term: str, *, korean: bool) -> bool:
    """Whether a text, with or without Korean words, can hold this term."""
    return korean or not _korean(term)
