"""The pages in a real browser, on a real fleet: asking, watching, reading; what others wrote stays text."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from playwright.sync_api import TimeoutError as PageTimeoutError

from orchestrator.listing import under_way
from orchestrator.store import JobRef
from tests.browser import Visit
from tests.integration.api.conftest import LOGIN, Served, address, serve_node
from tests.integration.llm.wire import Step
from tests.model_server import OBJECTIONS, POSITIONS, Asked, ModelServer, adds, good, through
from tests.nodes import ProcessNode, wait_for

pytestmark = pytest.mark.integration

MARKUP = "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">"
TOO_MUCH = "(() => { try { passages('x'.repeat(400000)) } catch (e) { return e.message.split(';')[0] } })()"
SAVED = (
    "figures({{timings: {{sequential_ms: 2000}}, usage: {{}}, eval: {{levels: []}}, provenance: {{models: []}}}}, {ms})"
    ".filter(([term]) => term.startsWith('less'))"
)
TEXT = f"{POSITIONS[0]} {POSITIONS[1]} {MARKUP}\n\nHowever, {OBJECTIONS[0]} {OBJECTIONS[1]} {MARKUP}"


@pytest.fixture
def visit(served: Served, browser: Browser) -> Iterator[Visit]:
    """Somebody with the login."""
    visiting = Visit(browser, login=LOGIN)
    yield visiting
    visiting.close()


@pytest.fixture(scope="module")
def module(served: Served, browser: Browser) -> Iterator[Page]:
    """A page whose scripts' functions can be called."""
    visiting = Visit(browser, login=LOGIN)
    visiting.page.goto(f"{served.url}/static/icon.svg")
    yield visiting.page
    visiting.close()


def ask(page: Page, url: str, goal: str, text: str = TEXT, mode: str = "parallel") -> None:
    """Ask through the form, by keyboard alone, and be on the job's page."""
    page.goto(f"{url}/")
    expect(page.locator("#connection")).to_have_text("live")
    page.keyboard.press("/")
    page.keyboard.type(goal)
    page.get_by_label("Mode").select_option(mode)
    page.get_by_label("Text to answer from").fill(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/jobs/*")


class Drip:
    """An answer in the making: the next words come when somebody lets them. Text that nobody watches is not sent."""

    def __init__(self, model: ModelServer) -> None:
        self._gates = [model.gate() for _ in range(40)]
        self._next = iter(self._gates)

    def __call__(self, asked: Asked) -> list[Step]:
        steps = list(good(asked))
        rest = zip(self._gates, steps[5:-3], strict=False)
        return [*steps[:5], *(part for pair in rest for part in pair), *steps[-3:]]

    def until(self, shown: Callable[[], bool]) -> None:
        """Let words come, a few at a time, until they are shown."""
        for gate in self._next:
            gate.open()
            if shown():
                return
        pytest.fail("the answer came to its end, and nothing of it was shown")

    def begin(self) -> None:
        """Let the first words come."""
        for gate, _ in zip(self._gates, range(12), strict=False):
            gate.open()

    def end(self) -> None:
        """Let all of it come."""
        for gate in self._gates:
            gate.open()


def appears(lines: Locator) -> bool:
    """Whether there is text within half a second."""
    try:
        lines.wait_for(timeout=500)
    except PageTimeoutError:
        return False
    return True


def test_a_question_is_asked_watched_and_answered_and_markup_stays_text(served: Served, visit: Visit) -> None:
    page, drip = visit.page, Drip(served.model)
    served.model.script("thesis", drip)
    served.model.script("antithesis_standalone", adds("objection", "a0", MARKUP))
    goal = f"Should it move? {MARKUP}"
    ask(page, served.url, goal)
    expect(page.get_by_role("heading", level=1)).to_have_text(goal)
    thesis = page.locator(".pane.thesis")
    drip.until(lambda: appears(thesis.locator(".lines p").first))
    expect(thesis.locator(".lines")).to_contain_text("The event queue")
    expect(thesis).to_contain_text("writing")
    objections = page.locator(".pane.antithesis .claims li")
    expect(objections).to_have_count(1 + len(OBJECTIONS))
    expect(objections.first).to_contain_text(MARKUP)
    expect(page.locator(".pane.synthesis")).to_contain_text("waits for both sides")
    page.reload()
    expect(objections).to_have_count(1 + len(OBJECTIONS))
    expect(thesis).to_contain_text(re.compile("writing|thinking"))
    drip.end()
    outcome = page.locator("#outcome")
    expect(outcome.locator("#answer")).not_to_be_empty()
    expect(page.locator("#status")).to_have_text(re.compile("complete|degraded"))
    claims = outcome.locator("#claims > li")
    expect(claims.first.locator(".badge")).to_have_text("upheld")
    claims.first.locator("summary").click()
    expect(claims.first.locator("blockquote footer")).to_have_text("pasted text")
    expect(page.locator("#timeline img")).to_be_visible()
    expect(page.locator("#connection")).to_have_text("")
    assert page.title().startswith("complete · Should it move?")
    assert page.locator("main script, main img:not(#timeline img)").count() == 0
    page.goto(f"{served.url}/")
    expect(page.locator("#ended tr").first).to_contain_text(goal[:60])
    page.locator("#ended a").first.click()
    expect(page.locator("#outcome #claims > li").first).to_be_visible()


def test_a_page_that_is_opened_while_a_model_stalls_shows_what_it_has_written(
    served: Served, visit: Visit
) -> None:
    drip = Drip(served.model)
    served.model.script("thesis", drip)
    job = served.operator.submit()
    drip.begin()
    ref = JobRef("default", job)
    wait_for("the thesis", lambda: "thesis" in under_way(served.client.store.load(ref)))
    for _ in ("somebody who comes while nobody looks", "and who comes again while others do"):
        visit.page.goto(f"{served.url}/jobs/{job}")
        expect(visit.page.locator(".pane.thesis .lines p").first).to_be_visible(timeout=20_000)
    drip.end()
    expect(visit.page.locator("#status")).to_have_text(re.compile("complete|degraded"))


def test_what_is_missing_is_said_where_it_is_missing(served: Served, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{served.url}/")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_have_text("Ask a question.")
    expect(page.get_by_role("textbox", name="Question")).to_be_focused()
    page.keyboard.type("Why?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Text to answer from")).to_be_focused()
    assert page.url == f"{served.url}/"


def test_who_asks_before_the_corpora_are_known_is_heard_when_they_are(served: Served, visit: Visit) -> None:
    page, held = visit.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/corpora", hold)
    page.goto(f"{served.url}/")
    page.get_by_role("textbox", name="Question").fill("Why?")
    with page.expect_event("console", lambda message: message.text == "asked"):
        page.evaluate("addEventListener('submit', () => console.log('asked'))")
        page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_hidden()
    held[0].continue_()
    expect(page.get_by_label("Text to answer from")).to_be_focused()


def test_a_corpus_that_cannot_be_read_is_shown_with_its_reason_and_is_not_on_offer(
    served: Served, visit: Visit
) -> None:
    broken = {"name": "broken", "documents": 0, "passages": 0, "problem": "is no database; remove it"}
    sound = {"name": "sound", "documents": 2, "passages": 9, "problem": ""}
    visit.page.route("**/api/v1/corpora", lambda route: route.fulfill(json={"corpora": [broken, sound]}))
    visit.page.goto(f"{served.url}/")
    documents = visit.page.get_by_label("Documents")
    expect(documents).to_have_value("sound")
    expect(documents.locator("option")).to_have_text(
        ["broken: is no database; remove it", "sound (2 documents)", "pasted text"]
    )
    expect(documents.locator("option:disabled")).to_have_attribute("value", "broken")


def test_a_job_is_called_off_after_a_second_click_and_says_so(served: Served, visit: Visit) -> None:
    page, gate = visit.page, served.model.gate()
    served.model.script("thesis", through(gate))
    ask(page, served.url, "Should the event queue be called off?", mode="sequential")
    expect(page.locator(".pane.antithesis")).to_contain_text("waits for the thesis")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Really cancel?").click()
    expect(page.locator("#status")).to_have_text("failed")
    expect(page.locator("#reasons")).to_contain_text("cancelled")
    gate.open()


def test_a_page_that_loses_its_server_says_so_and_goes_on_by_itself(
    served: Served, browser: Browser, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def start(name: str) -> ProcessNode:
        node = serve_node(
            name, tmp_path, {**os.environ, **served.environment}, "--no-login", "--port", str(port)
        )
        node.ready()
        return node

    page = browser.new_page()
    node = start("first")
    try:
        url = address(node)
        page.goto(url)
        expect(page.locator("#connection")).to_have_text("live")
        node.kill("SIGTERM")
        assert node.wait() == 0, "an open stream does not hold it up"
        expect(page.locator("#connection")).to_have_text("not connected, trying again")
        node.teardown()
        node = start("second")
        expect(page.locator("#connection")).to_have_text("live")
    finally:
        page.close()
        node.teardown()


def test_the_dashboard_draws_what_the_ledger_has(served: Served, visit: Visit) -> None:
    page = visit.page
    ask(page, served.url, "How long does the event queue take?", mode="sequential")
    expect(page.locator("#status")).to_have_text(re.compile("complete|degraded"))
    page.goto(f"{served.url}/latency?range=7d")
    row = page.locator("#totals tr", has_text="sequential")
    expect(row.locator("td").first).not_to_have_text("0")
    expect(page.locator("canvas")).to_have_count(5)
    expect(page.locator("#latency .readout")).to_contain_text("sequential p50")
    page.get_by_text("All figures as a table").click()
    expect(page.locator("#stretches tr").first).to_contain_text("sequential")
    page.get_by_role("link", name="1h", exact=True).click()
    expect(page.locator("[aria-current=true]")).to_have_text("1h")
    expect(page.locator("canvas")).to_have_count(5)


def test_a_job_that_cannot_be_read_for_now_says_why_until_it_can(served: Served, visit: Visit) -> None:
    page, its_state = visit.page, "**/api/v1/jobs/*?tenant=*"
    page.route(its_state, lambda route: route.fulfill(status=503, json={"detail": "Redis is away."}))
    page.goto(f"{served.url}/jobs/{served.operator.submit()}")
    expect(page.get_by_role("alert")).to_have_text("Redis is away.")
    page.unroute(its_state)
    expect(page.locator("#status")).to_have_text(re.compile("complete|degraded"))
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_job_that_is_not_there_is_said_to_be(served: Served, visit: Visit) -> None:
    visit.page.goto(f"{served.url}/jobs/none")
    expect(visit.page.get_by_role("alert")).to_contain_text("no job 'none'")
    expect(visit.page.get_by_role("heading")).to_have_text("There is no such job.")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("text.js: grow([], 'The event')", ["The event"]),
        ("text.js: grow(['The event'], 'The event queue')", ["The event queue"]),
        ("text.js: grow(['The event queue'], 'The event queue')", ["The event queue"]),
        # A frame shows the end of a long line only: what it shares with the line so far joins them.
        (
            "text.js: grow(['It takes 9 hours to be done'], 'takes 9 hours to be done, or 4 minutes')",
            ["It takes 9 hours to be done, or 4 minutes"],
        ),
        ("text.js: grow(['One claim.'], 'Another')", ["One claim.", "Another"]),
        ("text.js: grow(['One claim.'], '')", ["One claim."]),
        ("text.js: grow(Array(60).fill('x'), 'y').length", 60),
        ("text.js: passages('One.\\n\\n \\nTwo.').map((p) => p.text)", ["One.\n\nTwo."]),
        ("text.js: passages('Long. '.repeat(600)).every((p) => p.text.length <= 1500)", True),
        ("text.js: passages('Long. '.repeat(600)).map((p) => p.text).join(' ')", ("Long. " * 600).strip()),
        (f"text.js: {TOO_MUCH}", "That is too much text to paste"),
        ("figures.js: bridged([null, 1, null, 2]).map(String)", ["null", "1", "undefined", "2"]),
        ("figures.js: bridged([1, null, null, null, null, 2, null])[2]", None),
        ("figures.js: bridged([1, null, null, null, null, 2, null]).includes(undefined)", False),
        ("format.js: [420, 12340, 99960, 125000, 180000, 11400000].map(duration)",
         ["0.42 s", "12.3 s", "1 min 40 s", "2 min 05 s", "3 min", "3 h 10 min"]),
        ("format.js: [percent(1, 3), percent(3, 3), percent(0, 0)]", ["33.3 %", "100 %", "–"]),
        ("answer.js: standing({upheld: true, support: 0.5}, []).state", "upheld"),
        (
            "answer.js: standing({upheld: true, support: 0.5}, []).detail",
            "in words of its own, support 0.50",
        ),
        ("answer.js: standing({upheld: true, support: 0.9, word_for_word: true}, []).detail", "word for word"),
        ("answer.js: standing({upheld: true, support: null}, []).state", "not judged"),
        ("answer.js: standing({upheld: false, support: 0}, []).state", "not upheld"),
        ("answer.js: standing(undefined, [{judged: true, reason: 'no_quote', detail: ''}]).state", "not upheld"),
        (f"answer.js: {SAVED.format(ms=500)}", [["less than in sequence", "0.50 s (25.0 %)"]]),
        (f"answer.js: {SAVED.format(ms=-500)}", []),
        (f"answer.js: {SAVED.format(ms='null')}", []),
        ("overview.js: ['running thesis', 'running a, b, c', 'running', 'waiting'].map(phase)",
         ["thesis", "3 steps", "between steps", "waiting"]),
    ],
)  # fmt: skip
def test_what_the_scripts_work_out(served: Served, module: Page, call: str, expected: object) -> None:
    file, _, expression = call.partition(": ")
    names = "grow, passages, bridged, duration, percent, standing, figures, phase"
    script = f"import('{served.url}/static/{file}').then(({{ {names} }}) => {expression})"
    assert module.evaluate(script) == expected
