"""Words that say the contrary of each other: a small table, and prefixes that turn a word round."""

from __future__ import annotations

from functools import cache

from orchestrator.language.lists import listed
from orchestrator.language.words import content_words, words

_PAIRS = listed(
    "rise/fall rose/fell risen/fallen rising/falling increase/decrease increased/decreased increasing/decreasing "
    "grow/shrink grew/shrank gain/lose gained/lost gains/losses higher/lower high/low more/less more/fewer most/least "
    "maximum/minimum above/below over/under before/after faster/slower fast/slow larger/smaller longer/shorter "
    "better/worse best/worst improve/worsen improved/worsened early/late earlier/later first/last always/never "
    "all/some everybody/nobody everyone/nobody everything/nothing accept/reject accepted/rejected approve/reject "
    "approved/rejected allow/forbid allowed/forbidden win/lose won/lost begin/end began/ended "
    "start/stop started/stopped with/without success/failure succeeded/failed safe/dangerous north/south east/west "
    "support/oppose supported/opposed agree/disagree agreed/disagreed import/export imports/exports cheap/expensive "
    "cheaper/dearer strong/weak stronger/weaker majority/minority male/female men/women "
    ""
    "늘었다/줄었다 늘렸다/줄였다 늘어/줄어 늘어난/줄어든 증가/감소 상승/하락 높다/낮다 높았다/낮았다 높은/낮은 "
    "높아/낮아 많다/적다 많은/적은 많았다/적었다 빠르다/느리다 빠른/느린 크다/작다 컸다/작았다 커졌다/작아졌다 "
    "이상/이하 초과/미만 이전/이후 먼저/나중 모두/일부 찬성/반대 허용/금지 승인/거부 성공/실패 최대/최소 "
    "최고/최저 개선/악화 시작/종료 증설/감축 확대/축소 유리/불리 올랐다/내렸다 올라/내려 강하다/약하다 "
    "있다/없다 수출/수입 흑자/적자 남쪽/북쪽 동쪽/서쪽 오전/오후"
)
_PREFIXES = ("un", "in", "im", "il", "ir", "non")
_KOREAN_PREFIXES = ("불", "비", "무", "미", "부")
_MIN_TURNED = 4
"""Letters of a word that a prefix may turn round: "inner" is no contrary of "ner"."""


@cache
def _contraries() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}

    for pair in _PAIRS:
        one, other = pair.split("/")
        for word, contrary in ((one, other), (other, one)):
            for form in _forms(word):
                found.setdefault(form, set()).update(_forms(contrary))
    return {word: frozenset(contraries - {word}) for word, contraries in found.items()}


def _forms(word: str) -> set[str]:
    """As it is written, and what it is compared by."""
    return {*words(word), *content_words(word)}


def contraries(word: str) -> frozenset[str]:
    """The words (as written in lower case, and as stems) that say the contrary of one such word."""
    known = _contraries().get(word, frozenset())
    if word[0] >= "\uac00":
        if len(word) < 2:
            return known
        turned = {prefix + word for prefix in _KOREAN_PREFIXES if len(word) > 1}
        if word[0] in _KOREAN_PREFIXES and len(word) > 2:
            turned.add(word[1:])
    else:
        turned = {prefix + word for prefix in _PREFIXES if len(word) >= _MIN_TURNED}
        turned |= {
            word[len(prefix) :]
            for prefix in _PREFIXES
            if word.startswith(prefix) and len(word) - len(prefix) >= _MIN_TURNED
        }
    return known | turned
