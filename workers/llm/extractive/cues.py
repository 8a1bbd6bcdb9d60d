"""Words that show what a sentence does in an argument, English and Korean: tables and their reader."""

from __future__ import annotations

import re


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ASKING = frozenset(
    _listed(
        "should would could can may might must shall will do does "
        "did we our us i you your they their what which who whom "
        "whose how why when where whether if any there here more "
        "most than then so such please tell say says about into "
        "have has had not no but also only one two three four five six seven eight nine ten first second third half "
        "무엇 무엇을 무엇이 무엇인가 어떤 어떻게 왜 언제 어디 누가 누구 "
        "얼마 얼마나 해야 하는 하는가 하나 하나요 합니까 할까 인가 "
        "되는가 있는가 있는 있다 없다 것 것이 것은 수 및 등 위해 대해 대한 우리 우리는 그리고 또는 아니면"
    )
)
"""Words that carry a question or a sentence, not its topic."""

CONTRAST = re.compile(
    r"\b(?:however|but|although|though|yet|only|unless|except|despite|nevertheless|nonetheless|whereas|while|"
    r"limited to|on the other hand|in contrast|provided that|as long as|even if|caveat)\b"
    r"|하지만|그러나|다만|반면|그렇지만|불구하고|오히려|[가-힣]지만\b|"
    r"에 한해|않는 한|뿐이|뿐만|전까지|경우에만|(?<=[가-힣])면서도",
    re.IGNORECASE,
)
"""A sentence with one of these limits something: a condition, an exception, a turn."""

MOVING = frozenset(
    _listed("migr move switch transfer port convert shift transit adopt 이관 옮겨 옮기 옮긴 전환 도입 이전한")
)
"""Stems of one act under many names: to go over from one thing to another."""

TITLE = re.compile(
    r"^(?:(?:note|letter|memo|minutes|report|summary|reply|statement|review|proposal|assessment|draft|agenda) "
    r"(?:from|of|on|by|for|to)\b|(?:re|subject|from|to|date|author|prepared (?:by|for)|reviewed by|written by)\b[:\s])",
    re.IGNORECASE,
)
"""How a title or a line of a letterhead begins that is no sentence."""

DATELINE = re.compile(r"^[^.!?]*(?<!on )(?<!on the )\b\d{1,2}(?:st|nd|rd|th)? [A-Za-z]+ (?:19|20)\d\d\.?$")
"""Who and when, below a title: it ends in a date."""

HINGE = re.compile(
    r"^(?:\w+ing|we|i|they|he|she) (?:\w+ ){0,2}?"
    r"(?:(?:them|it)\b|(?:this|these|those)\b(?=\s+(?:only|if|unless|when|because|and|or|but|as|until)\b|[.,;]))",
    re.IGNORECASE,
)
"""A subject or an object near the beginning that points at another sentence ("We accept this only if ...")."""

OPENERS = re.compile(
    r"^(?:(?:however|but|moreover|furthermore|in addition|additionally|also|and|so|yet|still|therefore|thus|hence|"
    r"consequently|as a result|finally|meanwhile|nevertheless|nonetheless|in fact|indeed|of course|for example|"
    r"for instance|that said|on the other hand|in contrast|by contrast|conversely|overall|in short|in summary)\s*,"
    r"|(?:but|and|so|yet|also)\b)\s*"
    r"|^(?:하지만|그러나|다만|또한|반면에?|그리고|따라서|그래서|그런데|"
    r"그렇지만|즉|결국|한편|게다가|예를 들어|특히)(?:,\s*|\s+)",
    re.IGNORECASE,
)
"""What ties a sentence to the one before it and says nothing by itself."""

DANGLING = re.compile(
    r"^(?:it|its|this|that|these|those|they|them|their|he|she|his|her|such|both|neither|one|another|the former|"
    r"the latter|here|there|then|as (?:above|below|shown|mentioned))\b"
    r"|^(?:이는|이것|그것|이러한|이런|그런|그는|그녀|이들|그들|해당|위의|아래|여기|이때|그때|이를|이에|그래|이 )",
    re.IGNORECASE,
)
"""An opening that points at another sentence."""

BOILERPLATE = re.compile(
    r"copyright|©|all rights reserved|cookie|click here|subscribe|sign up|log ?in\b|table of contents|privacy policy|"
    r"terms of (?:use|service)|skip to|read more|see also|저작권|무단 ?전재|로그인|구독|회원 ?가입|목차|바로 ?가기",
    re.IGNORECASE,
)

COMPARING = re.compile(r"\b(?:against|versus|vs\.?|compared (?:to|with)|instead of)\b", re.IGNORECASE)
"""Sets one figure against another."""

BOUNDED = re.compile(
    r"^(?:if|when|should|suppose|assuming)\b|\b(?:no|not) more than\b|\band no more\b|\bat (?:most|least)\b|\bup to\b|"
    r"\b(?:will|can) fund\b|\bmaximum\b|\bbudget\b|최대|이하|한도|예산",
    re.IGNORECASE,
)
"""A figure that is a bound or a supposition, not what something is."""

DOUBTED = re.compile(
    r"\b(?:far |much |way )?too (?:low|high|little|much|few|many|optimistic)\b"
    r"|\bas [\w ]{2,40} (?:claims?|says|believes)\b"
    r"|너무 (?:낮|높|적|많)",
    re.IGNORECASE,
)
"""Repeats what somebody else says without saying it too."""

EFFORT = re.compile(
    r"^(?:engineer|person|developer|man|staff|work)-(?:hour|day|week|month|year)s?$", re.IGNORECASE
)
"""A unit of work: it counts one thing, what the work in question takes."""

MEASURED = re.compile(
    r"\b(?:measured|observed|recorded|in the pilot|in production|"
    r"load test|audit\w*|actual\w*|counted|tested|cost\b(?! to)|"
    r"in a test|results?)\b|실측|측정|관측|집계|실제|파일럿에서|운영 결과|시험 결과",
    re.IGNORECASE,
)
ESTIMATED = re.compile(
    r"\b(?:estimat\w+|expect\w*|project(?:ed|s|ion\w*)|forecast\w*|assum\w+|predict\w*|plan(?:s|ned)|likely|should|"
    r"would|hope\w*|roughly|heard)\b|예상|추정|전망|예측|가정|것으로 보|들었다|계획",
    re.IGNORECASE,
)

_POSITIVE = _listed(
    "recommend propos support benefit improv better fast quick "
    "reliab safe sav gain effective efficien success robust "
    "isolat simpl eas thanks free improv clean  scal sustain approv advantag prefer enabl help stable accura "
    "권장 제안 권고 바람직 개선 향상 좋아 빠르 빨라 안정 안전 효과 효율 성공 격리 가능 절약 이점 장점 충분"
)
_NEGATIVE = _listed(
    "fail lose lost loss risk cost expens delay slow late wors "
    "problem outage incident error bug duplicat twice wrong "
    "complex difficult hard burden shortag overload stop malform refund extra drawback disadvantag harm danger "
    "bad euro dollar threat weak lack insufficient unable concern conflict broke break manual "
    "실패 장애 위험 비용 지연 늦 느리 느려 문제 오류 중복 복잡 어려 "
    "어렵 손실 부담 부족 우려 악화 잘못 두번 멈추 차감 늘어난 못"
)
_TURNING = _listed(
    "not no never without cannot cut reduc fewer less lower decreas drop fell eliminat avoid prevent against remov "
    "instead neither nor sav "
    "않 없 아니 줄 감소 단축 절감 낮 방지 막 예방 해소"
)
PRICE = re.compile(r"\b(?:costs?|euros?|dollars?|expens\w+)\b|비용", re.IGNORECASE)
_CHEAP = re.compile(r"\bcosts? (?:only|just|one|nothing|less)\b", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_HANGUL = re.compile(r"[가-힣]")
_BEFORE, _AFTER, _AFTER_KO = 4, 2, 6


def valence(text: str) -> float:
    """How a sentence speaks of its subject, -1 (ill) to 1 (well); 0 where nothing tells.

    A word of good or ill counts, and turns round beside a negation or a word of reduction ("cut the delay").
    """
    tokens = _TOKEN.findall(_CHEAP.sub("saves", text).lower())
    turning = [token.startswith(_TURNING) for token in tokens]
    total = count = 0
    for at, token in enumerate(tokens):
        sign = token.startswith(_POSITIVE) - token.startswith(_NEGATIVE)
        if not sign:
            continue
        if _HANGUL.match(token):
            turned = any(turning[at + 1 : at + 1 + _AFTER_KO])
        else:
            turned = any(turning[max(0, at - _BEFORE) : at]) or any(turning[at + 1 : at + 1 + _AFTER])
        total += -sign if turned else sign
        count += 1
    return total / count if count else 0.0
