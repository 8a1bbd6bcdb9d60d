"""Words and the particles on them."""

import pytest

from orchestrator.language import lexed
from orchestrator.language.particles import tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("은행이 회사를 인수했다.", ("은행", "이", "회사", "을", "인수", "했다")),
        ("회사는 은행과 합쳤다", ("회사", "은", "은행", "과", "합쳤", "다")),
        ("서울에서는 대전으로", ("서울", "에서", "대전", "로")),
        ("Redis가 840ms에서", ("redis", "이", "840", "ms", "에서")),
        ("The bank bought a company.", ("bank", "bought", "company")),
    ],
)
def test_a_particle_is_a_word_of_its_own_in_one_form(text, found):
    assert tokens(lexed(text)) == found
