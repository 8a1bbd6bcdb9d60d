"""Words that only look like words of the quotes are told, with the character; what people really write is not."""

from __future__ import annotations

import unicodedata

import pytest

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge, judge_answer
from orchestrator.evidence.copies import MAX_UNKNOWN
from orchestrator.language import normalise
from orchestrator.language.look_alikes import _DRAWN_AS, plain, skeleton

from .cases import ALL, PASSAGES, claims, outputs

FRENCH = "Le préfet a été nommé à Évreux. La société a réduit ses coûts dès le mois de mai, ou presque."
VIETNAMESE = "Thành phố đã mua 48 xe buýt điện. Chi phí của dự án là 162 tỷ đồng, cao hơn năm trước."


def attributed(claim: str, quote: str, *, answer: str = "So.") -> AttributedAnswer:
    """An answer of one claim, whose quote is its passage."""
    return AttributedAnswer.model_validate(
        {
            "passages": [{"id": "p", "source": "s", "text": quote}],
            "claims": [{"id": "c", "text": claim, "citations": [{"passage_id": "p", "quote": quote}]}],
            "answer": answer,
        }
    )


def told(claim: str, quote: str, *, answer: str = "So.") -> list[str]:
    """What is said of look-alikes, of a claim and of the answer's own text."""
    report = judge_answer(attributed(claim, quote, answer=answer))
    found = [finding for finding in report.findings if finding.reason == "look_alike"]
    assert all(finding.judged for finding in found)
    assert not found or report.verdict == "fail"
    return [finding.detail for finding in found]


@pytest.mark.parametrize(
    ("claim", "quote", "detail"),
    [
        ("The c\u0430che lowers memory use.", "The cache lowers memory use.",
         "c\u0430che only looks like cache: its character 2 is U+0430 CYRILLIC SMALL LETTER A"),
        ("The \u0391PI is fast.", "The API is fast.",
         "\u0391PI only looks like API: its character 1 is U+0391 GREEK CAPITAL LETTER ALPHA"),
        ("The AP\u0406 is fast.", "The API is fast.",
         "AP\u0406 only looks like API: its character 3 is U+0406 CYRILLIC CAPITAL LETTER BYELORUSSIAN-UKRAINIAN I"),
        ("\u0410 bus runs 320 km.", "A bus runs 320 km.",
         "\u0410 only looks like A: its character 1 is U+0410 CYRILLIC CAPITAL LETTER A"),
        ("The \u0441\u0430\u0440 is tight.", "The cap is tight.",
         ("\u0441\u0430\u0440 only looks like cap: its character 1 is U+0441 CYRILLIC SMALL LETTER ES, "
          "its character 2 is U+0430 CYRILLIC SMALL LETTER A, its character 3 is U+0440 CYRILLIC SMALL LETTER ER")),
        ("The \u0261ate is shut.", "The gate is shut.",
         "\u0261ate only looks like gate: its character 1 is U+0261 LATIN SMALL LETTER SCRIPT G"),
        ("The c\u00f8st is high.", "The cost is high.",
         "c\u00f8st only looks like cost: its character 2 is U+00F8 LATIN SMALL LETTER O WITH STROKE"),
        ("Th\u00e9 gate is shut.", "The gate is shut.",
         "Th\u00e9 only looks like The: its character 3 is U+00E9 LATIN SMALL LETTER E WITH ACUTE"),
        ("It costs 12\u20dd euros.", "It costs 12 euros.",
         "12\u20dd only looks like 12: its character 3 is U+20DD COMBINING ENCLOSING CIRCLE"),
        ("The gates\u0338 are shut.", "The gate is shut.",
         "gates\u0338 only looks like gates: its character 6 is U+0338 COMBINING LONG SOLIDUS OVERLAY"),
        ("30초\u0302 동안 보관했다.", "30초 동안 보관했다.",
         "초\u0302 only looks like 초: its character 2 is U+0302 COMBINING CIRCUMFLEX ACCENT"),
        ("The cache is slow\u0338.", "The cache is fast.",
         "slow\u0338 only looks like slow: its character 5 is U+0338 COMBINING LONG SOLIDUS OVERLAY"),
        ("속도가 느리다\u0338.", "속도가 느리다.",
         "느리다\u0338 only looks like 느리다: its character 4 is U+0338 COMBINING LONG SOLIDUS OVERLAY"),
        ("R\u0435dis를 쓴다.", "Redis를 쓴다.",
         "R\u0435dis only looks like Redis: its character 2 is U+0435 CYRILLIC SMALL LETTER IE"),
        (FRENCH.replace("mois", "m\u1ecdis"), FRENCH,
         "m\u1ecdis only looks like mois: its character 2 is U+1ECD LATIN SMALL LETTER O WITH DOT BELOW"),
    ],
)  # fmt: skip
def test_a_disguised_word_is_told_with_the_character(claim, quote, detail):
    assert told(claim, quote) == [detail]


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        # what is written the same
        ("The café in Évreux is naïve.", "The café in Évreux is naïve."),
        ("São Paulo grew.", "São Paulo grew."),
        ("Łódź and Malmø grew.", "Łódź and Malmø grew."),
        ("The word is spoken /ˈlʌndən/, [ˈt͡sɪtɐ].", "The word is spoken /ˈlʌndən/, [ˈt͡sɪtɐ]."),
        # accents that an English word may have or lack
        ("The cafés were naïve.", "The cafes were naive."),
        ("A fiancée read the résumé.", "A fiancee read the resume."),
        ("The cafe is open.", "The café is open."),
        ("Uber is a role.", "Über is a rôle."),
        # another case of the same letters
        ("ÉCOLE is a school.", "The école is a school."),
        # languages with accents: the other word is one of theirs
        ("Où est-il nommé ? À Évreux, dès mai.", FRENCH),
        ("Il a nommé là le préfet.", FRENCH.replace("Le préfet", "La la préfet")),
        ("Chi phí cua du án là 162 tỷ đồng, cào hơn năm trước.", VIETNAMESE),
        # symbols
        ("The α particle and β-carotene differ.", "The alpha particle and a carotene differ."),
        ("TNF-α and γ rays in 5 µm.", "TNF-a and y rays in 5 μm."),
        ("The mean x̄ and the estimate p̂ differ from ŷ.", "The mean x and the estimate p differ from y."),
        ("A gap of 2 Å and a pipe of Ø 50 mm.", "A gap of 2 angstrom and a pipe of 0 50 mm."),
        ("ΔT is 5 °C at λ = 2 nm, Ω at 3.", "DT is 5 °C at l = 2 nm, O at 3."),
        ("They say git /ɡɪt/.", "They say git."),
        # other scripts, and several in one text
        ("5G망과 LTE망을 쓴다.", "5G망과 LTE망을 쓴다."),
        ("К нам пришёл он, а не она.", "K o a."),
        ("Сервер быстрый, а сеть нет.", "The server has a cop."),
        ("Ο χρόνος είναι ο ίδιος.", "O o time."),
        ("ガラスの力は10⁶。", "ガラスのカは10⁶。"),
        ("हिन्दी १० है।", "हिन्दी १० है।"),
        # forms that folding makes one
        (unicodedata.normalize("NFD", "Le café à Đà Nẵng."), "Le café à Đà Nẵng."),
        ("Ｔｈｅ ＡＰＩ ｉｓ ｆａｓｔ．", "The API is fast."),
        ("It’s “fast” — isn’t it…", "It's \"fast\" - isn't it..."),
        ("1️⃣ The cache 👍🏽 works.", "1 The cache works."),
    ],
)
def test_what_people_write_is_no_disguise(claim, quote):
    assert told(claim, quote) == []


@pytest.mark.parametrize(
    ("claim", "quote", "like", "letters"),
    [
        ("지연을 줄였따.", "지연을 줄였다.", "줄였따 only looks like 줄였다", "3 is 따 for 다"),
        ("도서관온 문을 연다.", "도서관은 문을 연다.", "도서관온 only looks like 도서관은", "4 is 온 for 은"),
        ("새로 지어 비용율 낮췄다.", "새로 지어 비용을 낮췄다.", "비용율 only looks like 비용을", "3 is 율 for 을"),
        ("아사회는 배당을 준다.", "이사회는 배당을 준다.", "아사회는 only looks like 이사회는", "1 is 아 for 이"),
        ("지언은 평균 4.8ms이다.", "지연은 평균 4.8ms이다.", "지언은 only looks like 지연은", "2 is 언 for 연"),
        ("조학의 매출이 늘었다.", "조합의 매출이 늘었다.", "조학의 only looks like 조합의", "2 is 학 for 합"),
    ],
)  # fmt: skip
def test_a_hangul_word_one_letter_away_is_told(claim, quote, like, letters):
    assert told(claim, quote) == [f"{like}: its character {letters}"]


def test_a_claim_that_lacks_many_words_is_no_copy_and_is_not_compared():
    copied, quote = "조학의 매출이 늘었다", "조합의 매출이 늘었다."
    assert told(f"{copied}.", quote)
    others = [f"{name}가" for name in ("카나", "라마", "타라", "파도", "하마", "나무", "바다", "사과")]
    assert len(others) == MAX_UNKNOWN
    assert told(f"{copied}, {' '.join(others)}.", quote) == []


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        # one letter that grammar changes
        ("캐시로 지연이 12% 줄었다.", "캐시가 지연을 12% 줄였다."),
        ("온도가 5도 높았다.", "온도를 5도 높였다."),
        ("인력이 줄어 비용이 낮다.", "인력을 줄여 비용이 낮다."),
        ("시험을 통과한 제품을 판다.", "시험을 통과할 제품을 판다."),
        ("회사는 설비를 늘림.", "회사는 설비를 늘린."),
        ("시의회가 예산을 승인하면 시작한다.", "시의회가 예산을 승인하며 시작한다."),
        ("먹는 약을 처방한다.", "먹은 약을 처방한다."),
        ("서울의 공원이 넓다.", "서울에 공원이 넓다."),
        ("시스템는 빠르다.", "시스템은 빠르다."),
        ("사업이 되어 간다.", "사업이 돼 간다."),
        ("가격이 돼고 있다.", "가격이 되고 있다."),
        # one loanword, written two ways
        ("이 컨텐츠는 무료이다.", "이 콘텐츠는 무료이다."),
        ("새 메세지를 보냈다.", "새 메시지를 보냈다."),
        ("지역 센타가 문을 열었다.", "지역 센터가 문을 열었다."),
        ("쥬스 값이 올랐다.", "주스 값이 올랐다."),
        ("텔레비젼 값이 올랐다.", "텔레비전 값이 올랐다."),
        ("리더쉽이 중요하다.", "리더십이 중요하다."),
        ("워크샵을 두 번 열었다.", "워크숍을 두 번 열었다."),
        # one letter between words that do not stand in one another's place
        ("부산에서 열릴 회의가 무산되었다.", "부산에서 열릴 회의가 취소되었다."),
        ("제주도의 주도로 사업이 시작되었다.", "제주도의 추진으로 사업이 시작되었다."),
        ("전제 없이 위원이 조건을 받아들였다.", "전체 위원이 조건을 받아들였다."),
        # words of one meaning
        ("버스 48대를 들여왔다.", "버스 48대를 도입했다."),
        ("작년 접종률이 높았다.", "지난해 접종률이 높았다."),
        ("회의 후 결정했다.", "회의 뒤 결정했다."),
    ],
)
def test_what_korean_writes_two_ways_is_no_disguise(claim, quote):
    assert told(claim, quote) == []


def test_an_answers_own_text_is_read_too():
    sound = "The cache lowers memory use."
    assert told(sound, sound, answer="Yes: the cache, naïvely.") == []
    assert told(sound, sound, answer="Yes: the c\u0430che.") == [
        "in the answer c\u0430che only looks like cache: its character 2 is U+0430 CYRILLIC SMALL LETTER A"
    ]


def test_a_summarys_text_is_read_too_as_a_risk():
    """The question may write a name with the accent that the documents leave out."""
    argument = outputs(claims(about=ALL))
    argument[2] = argument[2].model_copy(update={"summary": "Use Red\u0456s."})
    report = judge("job", PASSAGES["en"], argument, evidence_required=True)
    (finding,) = report.findings
    assert (finding.level, finding.reason, finding.claim_id, finding.judged) == (2, "look_alike", None, False)
    assert finding.detail.startswith("in the synthesis's summary Red\u0456s only looks like Redis")
    assert report.verdict == "pass"
    assert any("Red\u0456s" in risk for risk in report.risks)


@pytest.mark.parametrize(
    ("word", "like"), [("c\u0430che", "cache"), ("m\u1ecdis", "mois"), ("12\u20dd", "12"), ("\u00f8", "o")]
)
def test_what_looks_alike_has_one_skeleton(word, like):
    assert skeleton(word) == skeleton(like)
    assert plain(word) == like


def test_every_letter_of_the_table_is_one_that_folding_leaves():
    """What folds to ASCII is ASCII before anybody looks at it."""
    for other, letter in _DRAWN_AS.items():
        assert normalise(other) == other
        assert unicodedata.category(other)[0] in "LN"
        assert letter.isascii()
