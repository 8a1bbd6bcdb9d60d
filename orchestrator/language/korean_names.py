"""Names that Korean writes like any other word: places, and public bodies by the kind that they end with.

A closed table. What has everyday synonyms (연구팀, 시청, 공사) is left out: another word for it would be taken for
another name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from orchestrator.language.lists import listed

_PLACES = listed(
    "서울 부산 대구 인천 광주 대전 울산 세종 강원 충청 전라 경상 충북 충남 전북 전남 경북 경남 제주 "
    "한국 북한 미국 중국 일본 대만 홍콩 영국 독일 프랑스 이탈리아 스페인 포르투갈 네덜란드 벨기에 스위스 오스트리아 "
    "스웨덴 노르웨이 덴마크 핀란드 폴란드 러시아 우크라이나 캐나다 멕시코 브라질 아르헨티나 칠레 호주 뉴질랜드 "
    "베트남 태국 인도네시아 말레이시아 필리핀 싱가포르 몽골 튀르키예 이집트 이스라엘 유럽 아시아 아프리카"
)
# Of these the second part is enough: 조합 is short for 협동조합 where that was named.
_BODIES = dict.fromkeys(
    listed(
        "교육청 경찰청 검찰청 소방청 기상청 국세청 관세청 통계청 보건소 도서관 박물관 미술관 위원회 이사회 연합회 공단"
    )
) | {
    "시의회": "의회", "도의회": "의회", "군의회": "의회", "구의회": "의회", "협동조합": "조합", "노동조합": "조합",
    "대학교": "대학", "대법원": "법원", "고등법원": "법원", "지방법원": "법원",
}  # fmt: skip
_NAME = re.compile(
    rf"(?:(?P<place>{'|'.join(_PLACES)})(?:특별시|광역시|특별자치시|특별자치도|시민|도민|시|도|인|산)?"
    rf"|[가-힣]*?(?P<body>{'|'.join(sorted(_BODIES, key=len, reverse=True))})장?)"
    r"[은는이가을를과와]?"  # a particle that does not fit stays on its word
)


@lru_cache(maxsize=16_384)
def korean_name(form: str) -> str | None:
    """What a text has to hold for a Korean word (as ``content_words`` gives it) that is a name; ``None`` if none is."""
    match = _NAME.fullmatch(form)
    if match is None:
        return None
    return match["place"] or _BODIES[match["body"]] or match["body"]
