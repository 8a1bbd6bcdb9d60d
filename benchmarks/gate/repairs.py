"""What the repair pass saves, and that it saves nothing else: the mutation set through it, and harder cases.

A sound claim whose citation is broken should pass after it. A broken claim should not pass because of it: it is cited
rightly, by its own broken words, by another document's id, or not at all, and held against the verdict without repair
on the same claim, rightly cited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.gate.mutations import Case
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer

MISCITED = ("as it is", "in its own words", "by another document's id", "not at all")


def miscited(answer: AttributedAnswer, how: str) -> AttributedAnswer:
    """Cite the answer's one claim in another way."""
    claim = answer.claims[0]
    right = claim.citations[0]
    citations = {
        "as it is": (right,),
        "in its own words": (right.model_copy(update={"quote": claim.text}),),
        "by another document's id": (right.model_copy(update={"passage_id": "p2"}),),
        "not at all": (),
    }[how]
    return answer.model_copy(update={"claims": (claim.model_copy(update={"citations": citations}),)})


def broken_claims(cases: Iterable[Case]) -> Iterator[tuple[str, str, bool, bool, bool]]:
    """Give (mutation, how it is cited, passes rightly cited, passes before, passes after) of each broken claim."""
    for case in cases:
        if not case.harmful or case.place != "claim":
            continue
        rightly = _passes(case.answer)
        for how in MISCITED:
            answer = miscited(case.answer, how)
            yield case.mutation, how, rightly, _passes(answer), _passes(answer, repair=True)


def made_to_pass(cases: Iterable[Case]) -> int:
    """How many broken claims pass by repair that would not pass if they were cited rightly."""
    return sum(after and not (rightly or before) for _, _, rightly, before, after in broken_claims(cases))


def markdown(cases: Sequence[Case]) -> Iterator[str]:
    """Two tables: sound claims that are saved, and broken ones that pass before and after."""
    sound: dict[tuple[str, str], Counter[str]] = {}
    for case in cases:
        if case.harmful and case.place in {"quote", "citation"}:
            row = sound.setdefault((case.mutation, case.place), Counter())
            row[f"cases {case.language}"] += 1
            row[case.language] += _passes(case.answer, repair=True)
    yield "| sound claim, broken | of the | cases en, ko | passes after repair en | ko |"
    yield "| --- | --- | --- | --- | --- |"
    for (mutation, place), row in sound.items():
        rates = " | ".join(f"{row[language] / row[f'cases {language}']:.1%}" for language in ("en", "ko"))
        yield f"| {mutation} | {place} | {row['cases en']}, {row['cases ko']} | {rates} |"
    yield ""
    broken: dict[str, Counter[str]] = {}
    for mutation, how, _, before, after in broken_claims(cases):
        row = broken.setdefault(mutation, Counter())
        row["cases"] += how == MISCITED[0]
        row[f"{how} before"] += before
        row[f"{how} after"] += after
    yield f"| broken claim | cases | {' | '.join(f'cited {how}' for how in MISCITED)} |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for mutation, row in broken.items():
        cells = " | ".join(f"{row[f'{how} before']} -> {row[f'{how} after']}" for how in MISCITED)
        yield f"| {mutation} | {row['cases']} | {cells} |"


def _passes(answer: AttributedAnswer, *, repair: bool = False) -> bool:
    return judge_answer(answer, repair=repair).verdict == "pass"
