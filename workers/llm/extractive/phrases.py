"""What this engine says in words of its own, in the language of the question.

Of it, claims hold only the word that sets one quoted sentence against another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

MAX_NAMED = 3
Outcome = Literal["holds", "conditions", "falls", "unsettled"]


@dataclass(frozen=True)
class Phrases:
    """The connecting words of one language."""

    korean: bool

    def _(self, english: str, korean: str) -> str:
        return korean if self.korean else english

    @property
    def nothing_found(self) -> str:
        """No sentence has enough to do with the question."""
        return self._(
            "The documents say nothing definite about this question.",
            "문서에는 이 질문에 대한 뚜렷한 내용이 없습니다.",
        )

    def searched(self, passages: int, sources: int) -> str:
        """Tell what was read in vain."""
        return self._(
            f"Read {passages} passages of {sources} documents; no sentence shared enough of the question's terms.",
            f"문서 {sources}건의 발췌 {passages}개를 읽었으나 질문의 핵심어와 충분히 맞는 문장이 없었습니다.",
        )

    def position(self, leaning: int, top: Sequence[str]) -> str:
        """Say the thesis in a sentence or two."""
        opening = {
            1: self._("The documents speak for it.", "문서는 이를 지지합니다."),
            -1: self._("The documents speak against it.", "문서는 이에 반대하는 쪽입니다."),
            0: self._("The documents answer as follows.", "문서의 답은 다음과 같습니다."),
        }[leaning]
        return " ".join((opening, *top))

    def chosen(self, claims: int, passages: int, sources: int) -> str:
        """How the thesis was chosen."""
        return self._(
            f"Chose {claims} sentences from {passages} passages of {sources} documents: close to the question's "
            "terms, definite, on one side, and unlike one another.",
            f"문서 {sources}건의 발췌 {passages}개에서 질문의 핵심어에 가깝고 명확하며 "
            f"서로 다른 문장 {claims}개를 골랐습니다.",
        )

    def opposed(self, top: Sequence[str]) -> str:
        """Say the antithesis in a sentence or two."""
        return " ".join(
            (self._("The documents also set limits.", "그러나 문서에는 이를 제한하는 내용도 있습니다."), *top)
        )

    @property
    def unopposed(self) -> str:
        """No sentence opposes the position."""
        return self._(
            "The documents hold nothing that limits or contradicts this position.",
            "문서에는 이 입장을 제한하거나 반박하는 내용이 없습니다.",
        )

    def objection(self, kind: str, source: str, attacked: str) -> str:
        """Say what one objection does; ``attacked`` is a claim's id or empty."""
        name = self.named(source)
        target = attacked or self._("the position", "이 입장")
        return {
            "figures": self._(
                f"{name} gives another figure than {target}", f"{name}의 수치가 {target}와 다름"
            ),
            "denies": self._(f"{name} says the opposite of {target}", f"{name}의 내용이 {target}와 반대임"),
            "limits": self._(f"{name} limits {target}", f"{name}의 내용이 {target}를 제한함"),
            "weighs": self._(f"{name} weighs against {target}", f"{name}의 내용이 {target}에 불리함"),
            "disputed": self._(
                f"another document disputes {name}'s figure", f"{name}의 수치에 대해 다른 문서와 의견이 갈림"
            ),
            "missing": self._(
                f"{name} raises what the position leaves out", f"{name}의 내용이 이 입장에서 빠져 있음"
            ),
        }[kind]

    @property
    def contrast_words(self) -> str:
        """Search words that opposition is written with."""
        return self._("however risk cost limit failure", "그러나 위험 비용 한계 장애")

    @property
    def but(self) -> str:
        """Joins a claim and what limits it; a function word, so that it needs no evidence of its own."""
        return self._("But:", "하지만")

    def condition(self, claim: str, limit: str) -> str:
        """Why both of a claim and its limit stand."""
        return self._(
            f"{claim} and {limit} speak of different conditions, so both stand and {limit} bounds {claim}",
            f"{claim}와 {limit}는 조건이 달라 함께 성립하며, {limit}가 {claim}의 범위를 정함",
        )

    def preferred(self, reason: str, kept: str, dropped: str) -> str:
        """Why one of two contradicting statements is kept; both are named by their sources."""
        kept, dropped = self.named(kept), self.named(dropped)
        return {
            "measured": self._(
                f"{kept} states it as a fact, {dropped} as an estimate or from hearsay",
                f"{kept}는 사실로, {dropped}는 추정이나 전언으로 서술함",
            ),
            "recent": self._(f"{kept} is more recent than {dropped}", f"{kept}가 {dropped}보다 최근 자료임"),
            "sources": self._(
                f"more documents agree with {kept} than with {dropped}",
                f"{kept}에 동의하는 문서가 {dropped}보다 많음",
            ),
        }[reason]

    def unsettled(self, one: str, other: str) -> str:
        """Why a conflict stays open."""
        one, other = self.named(one), self.named(other)
        return self._(
            f"{one} and {other} disagree, and neither is better founded",
            f"{one}와 {other}가 서로 다르고, 어느 쪽이 더 근거가 있는지 알 수 없음",
        )

    def uncontested(self, sources: int) -> str:
        """Why a claim is consensus."""
        if sources > 1:
            return self._(f"{sources} documents agree", f"문서 {sources}건이 일치함")
        return self._("nothing in the evidence contests it", "근거 가운데 이를 다투는 내용이 없음")

    @property
    def untested(self) -> str:
        """Why a claim stays open when the other persona was lost."""
        return self._("the other side was not heard", "반대편 의견을 듣지 못함")

    def verdict(self, yes: Sequence[str], no: Sequence[str], *, bounded: bool) -> str:
        """Open the conclusion on a yes-or-no question: which documents say yes, which no, outright."""
        if yes and no:
            return self._(
                f"The documents disagree: {self._names(yes)} for it, {self._names(no)} against it.",
                f"문서의 의견이 갈립니다. 찬성: {self._names(yes)}. 반대: {self._names(no)}.",
            )
        if not yes and not no:
            return self._("No document says yes or no outright.", "찬반을 분명히 밝힌 문서가 없습니다.")
        if len(yes or no) == 1:
            name = self._names(yes or no)
            side = self._("for it", "찬성") if yes else self._("against it", "반대")
            return self._(
                f"Only {name} says yes or no outright: it is {side}.",
                f"찬반을 분명히 밝힌 문서는 {name}뿐이며, {side}합니다.",
            )
        if yes:
            return (
                self._("Yes, under conditions.", "예, 다만 조건이 있습니다.")
                if bounded
                else self._("Yes.", "예.")
            )
        return (
            self._("No, with exceptions.", "아니요, 다만 예외가 있습니다.")
            if bounded
            else self._("No.", "아니요.")
        )

    def reply(self, outcome: Outcome, sources: int) -> str:
        """Open the conclusion on another question; ``sources`` say the first of what follows."""
        if outcome == "falls":
            return self._(
                "The first answer does not stand; rather:",
                "처음 답은 유지되지 않으며, 오히려 다음과 같습니다.",
            )
        if outcome == "unsettled":
            return self._("The documents do not settle this.", "문서만으로는 결론이 나지 않습니다.")
        if sources > 1:
            return self._(f"{sources} documents agree:", f"문서 {sources}건이 일치합니다.")
        return self._("The documents say:", "문서의 내용은 다음과 같습니다.")

    @property
    def speaks_for(self) -> str:
        """Before the reasons for it."""
        return self._("For:", "찬성 근거:")

    @property
    def speaks_against(self) -> str:
        """Before the reasons against it."""
        return self._("Against:", "반대 근거:")

    @property
    def limits(self) -> str:
        """Before conditions and limits."""
        return self._("Conditions and limits:", "조건과 한계:")

    def open_points(self, count: int) -> str:
        """Say that points stay open; they are listed below."""
        return self._(
            f"Not settled: {count} point{'s' if count > 1 else ''}, below.", f"미해결: {count}건, 아래 참조."
        )

    def decided(self, reasons: Sequence[str]) -> str:
        """Why contradictions were settled as they were."""
        return (
            self._("Preferred where figures differ: ", "수치가 다를 때의 선택: ") + "; ".join(reasons) + "."
        )

    def constraint(self, constraint: str, *, scope: bool, spoken_to: bool) -> str:
        """Name a constraint, or the scope, before the sentences that speak to it; or say that none does."""
        kind = self._("Scope", "범위") if scope else self._("Constraint", "제약")
        silent = "" if spoken_to else self._(" The documents do not say.", " 문서에 관련 내용이 없습니다.")
        return f"{kind} “{constraint}”:{silent}"

    def _names(self, sources: Sequence[str]) -> str:
        shown = [self.named(source) for source in sources[:MAX_NAMED]]
        if len(sources) > MAX_NAMED:
            shown.append(self._(f"{len(sources) - MAX_NAMED} more", f"외 {len(sources) - MAX_NAMED}건"))
        return ", ".join(shown)

    def one_sided(self, *, lost_thesis: bool) -> str:
        """Said when one persona was lost."""
        if lost_thesis:
            return self._(
                "The thesis was lost; only objections were heard.", "정명제가 없어 반론만으로 정리했습니다."
            )
        return self._(
            "The antithesis was lost; nothing has tested this position.",
            "반명제가 없어 검증되지 않은 입장입니다.",
        )

    def tallied(self, consensus: int, resolved: int, still: int) -> str:
        """Count what the synthesis did."""
        return self._(
            f"{consensus} uncontested, {resolved} resolved, {still} open.",
            f"합의 {consensus}건, 해소 {resolved}건, 미해결 {still}건.",
        )

    def settle_figures(self, one: str, other: str) -> str:
        """Next step for a conflict that stays open."""
        one, other = self.named(one), self.named(other)
        if one == other:
            return self._(
                f"Ask the authors of {one} which statement holds.",
                f"{one}의 두 내용 중 무엇이 맞는지 작성자에게 확인하십시오.",
            )
        return self._(
            f"Find out whether {one} or {other} is right, and what each of them counts.",
            f"{one}와 {other} 중 어느 쪽이 맞는지, 각각 무엇을 포함했는지 확인하십시오.",
        )

    def check_condition(self, source: str, limit: str) -> str:
        """Next step for a condition that the conclusion rests on."""
        return self._(
            f"Check this limit before acting ({self.named(source)}): {limit}",
            f"실행 전에 확인할 조건({self.named(source)}): {limit}",
        )

    def named(self, source: str) -> str:
        """Name a document by its file."""
        return PurePosixPath(source).name or source or self._("an uncited claim", "출처 없는 주장")
