"""The page of `triptych gate explain` in a real browser: it shows, and neither loads nor runs anything."""

import pytest

from orchestrator.answer.explained import page
from orchestrator.evidence.explain import explain
from tests.browser import Visit, running_browser
from tests.unit.evidence.test_explain import HOSTILE, result

pytestmark = pytest.mark.integration


def test_a_browser_shows_the_quote_and_what_the_claim_adds():
    found = result(
        "The cheap cache costs 12 euros.", "The cache costs 12 euros.", "The cache costs 12 euros. More."
    )
    with running_browser() as browser:
        visit = Visit(browser)
        visit.page.set_content(page(found, explain(found)))
        assert visit.page.locator("article mark.lacking").all_inner_texts() == ["cheap"]
        assert visit.page.locator("blockquote mark").all_inner_texts() == ["The cache costs 12 euros."]
        assert HOSTILE in visit.page.locator("h1").inner_text()
        visit.close()
