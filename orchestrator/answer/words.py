"""The answer's own words, English and Korean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Headings and notices in one language. ``reasons`` has a sentence for every ``ReasonCode``."""

    conclusion: str
    found: str
    consensus: str
    one_side: str
    resolved: str
    open: str
    actions: str
    position: str
    objections: str
    sources: str
    page: str
    unknown_passage: str
    no_answer: str
    no_llm: str
    degraded: str
    unsupported: str
    more: str
    personas: Mapping[str, str]
    reasons: Mapping[str, str]


ENGLISH = Words(
    conclusion="Conclusion",
    found="What it rests on",
    consensus="What both sides hold",
    one_side="Stated by one side, not contested",
    resolved="How the two sides fit together",
    open="What stays open",
    actions="Next actions",
    position="Position (thesis)",
    objections="Objections (antithesis)",
    sources="Sources",
    page="p. {page}",
    unknown_passage="{id} (not among this job's evidence)",
    no_answer="No answer could be produced.",
    no_llm="No language model was used: the extractive engine chose and paired sentences of the documents.",
    degraded="Not a complete result.",
    unsupported="Unsupported, also after other quotes were looked for:",
    more="and {count} more",
    personas={"thesis": "Thesis", "antithesis": "Antithesis", "synthesis": "Synthesis"},
    reasons={
        "persona_lost": "{persona} was lost; the answer was made without it.",
        "persona_cut": "{persona} broke off; what it had said until then stands.",
        "rebuttal_lost": "A claim was settled without its rebuttal, which was lost.",
        "section_lost": "A part of the synthesis was lost; it was put together without that part.",
        "unresolved": "Not every claim was settled; what was not stands among what is open.",
        "synthesis_lost": "The synthesis was lost; thesis and antithesis stand side by side, unsettled.",
        "fallback_model": "{persona} was written by another model than the one configured for it.",
        "evidence_failed": "Not every claim is supported by its citations.",
        "no_evidence": "Nothing relevant was found in the documents.",
        "all_personas_lost": "Every persona was lost.",
        "plan_failed": "Planning failed.",
        "deadline": "The time was up.",
        "cancelled": "The job was cancelled.",
        "internal": "Triptych failed; the workers' logs say where.",
        "partial_refused": "A partial result was refused, as the job asked.",
    },
)

KOREAN = Words(
    conclusion="결론",
    found="결론의 근거",
    consensus="양측이 동의하는 점",
    one_side="한쪽이 말했고 다툼이 없는 점",
    resolved="두 입장이 함께 성립하는 점",
    open="남은 쟁점",
    actions="다음 조치",
    position="입장 (정)",
    objections="반론 (반)",
    sources="출처",
    page="{page}쪽",
    unknown_passage="{id} (이 작업의 근거에 없음)",
    no_answer="답변을 만들지 못했습니다.",
    no_llm="언어 모델을 사용하지 않았습니다. 추출 엔진이 문서의 문장을 골라 짝지었습니다.",
    degraded="완전한 결과가 아닙니다.",
    unsupported="다른 인용을 찾아본 뒤에도 뒷받침되지 않은 주장:",
    more="외 {count}건",
    personas={"thesis": "정", "antithesis": "반", "synthesis": "합"},
    reasons={
        "persona_lost": "페르소나 「{persona}」 없이 답변을 만들었습니다.",
        "persona_cut": "페르소나 「{persona}」의 답변이 도중에 끊겼으며, 그때까지의 내용은 유효합니다.",
        "rebuttal_lost": "일부 주장은 반론을 얻지 못한 채 정리되었습니다.",
        "section_lost": "종합의 한 부분이 누락되어 나머지 부분만으로 결론을 정리했습니다.",
        "unresolved": "정리되지 못한 주장이 있으며, 남은 쟁점에 그대로 실었습니다.",
        "synthesis_lost": "종합(합)에 실패하여 정과 반을 결론 없이 나란히 제시합니다.",
        "fallback_model": "페르소나 「{persona}」의 답변은 설정된 모델이 아닌 대체 모델이 작성했습니다.",
        "evidence_failed": "인용으로 뒷받침되지 않는 주장이 있습니다.",
        "no_evidence": "문서에서 관련 내용을 찾지 못했습니다.",
        "all_personas_lost": "모든 페르소나가 실패했습니다.",
        "plan_failed": "계획 단계가 실패했습니다.",
        "deadline": "제한 시간이 지났습니다.",
        "cancelled": "작업이 취소되었습니다.",
        "internal": "Triptych 내부 오류입니다. 워커의 로그를 확인하십시오.",
        "partial_refused": "작업의 요청에 따라 부분 결과를 거부했습니다.",
    },
)
