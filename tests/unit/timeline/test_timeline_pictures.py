"""The time line in the terminal, as SVG and as PNG."""

import io
import sys
from xml.etree import ElementTree as ET

import pytest

from orchestrator.contracts.events import Event
from orchestrator.errors import InvalidInput
from orchestrator.timeline import timeline
from orchestrator.timeline.drawing import DARK, LIGHT, MAX_ROWS, Box, Diamond, Role, Stroke, Words, drawing
from orchestrator.timeline.png import png
from orchestrator.timeline.svg import svg
from orchestrator.timeline.terminal import ASCII, UNICODE, chart
from orchestrator.timeline.text import duration, ticks
from tests.unit.timeline.ledger_of import (
    end,
    job_end,
    late_critic_job,
    parallel_job,
    start,
    submitted,
    troubled_job,
)

JOBS = {"parallel": parallel_job(), "troubled": troubled_job(), "running": parallel_job()[:8], "none": []}
SVG = "{http://www.w3.org/2000/svg}"


def lines(job, width: int = 80, glyphs=UNICODE) -> list[str]:
    return [
        "".join(text for text, _ in pieces) for pieces in chart(timeline(job), width=width, glyphs=glyphs)
    ]


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 ms"), (340, "340 ms"), (999, "999 ms"), (1_000, "1.0 s"), (14_249, "14.2 s"), (99_949, "99.9 s"),
     (99_950, "1:40 min"), (125_000, "2:05 min"), (3_725_000, "1:02:05 h")],
)  # fmt: skip
def test_durations_read_well(ms, text):
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("span", "most", "labels"),
    [(26_000, 6, ["0", "5", "10", "15", "20", "25 s"]), (220, 4, ["0", "100", "200 ms"]),
     (1_800, 4, ["0", "0.5", "1.0", "1.5 s"]), (180_000, 6, ["0", "30", "60", "90", "120", "150", "180 s"]),
     (1_200_000, 4, ["0", "5", "10", "15", "20 min"]), (0, 4, ["0"])],
)  # fmt: skip
def test_ticks_are_round_and_name_their_unit_once(span, most, labels):
    assert [label for _, label in ticks(0, span, most)] == labels


def test_ticks_of_an_axis_that_begins_later_are_round_too():
    assert [label for _, label in ticks(1_003, 1_024, 5)] == ["1.005", "1.010", "1.015", "1.020 s"]
    assert ticks(1_003, 1_004, 8)[-1] == (1_004, "1.004 s")


@pytest.mark.parametrize("span", [1, 7, 99, 1_001, 59_999, 3_600_000, 10**9, 10**13])
def test_there_are_never_more_ticks_than_asked_for(span):
    assert len(ticks(0, span, 8)) <= 9


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [40, 57, 80, 200])
def test_no_line_is_wider_than_the_terminal(job, glyphs, width):
    assert max(map(len, lines(JOBS[job], width, glyphs))) <= width


def test_the_critical_path_is_marked_without_colour():
    marked = [line.split()[1] for line in lines(parallel_job()) if line.startswith("◆") and "│" in line]
    assert marked == ["plan", "antithesis_standalone", "synthesis"]


def test_bars_show_the_wait_the_first_token_and_the_rest_in_proportion():
    bars = {
        line.split()[-4 if "◆" in line else -3]: line for line in lines(parallel_job(), 120) if "│" in line
    }
    synthesis = next(line for line in bars.values() if "synthesis" in line).split("│")[1]
    antithesis = next(line for line in bars.values() if "antithesis_standalone" in line).split("│")[1]
    assert "░" in antithesis
    assert synthesis.count("▒") >= 1
    assert synthesis.index("▒") >= antithesis.rindex("█")
    assert synthesis.count("█") / antithesis.count("█") == pytest.approx(14.2 / 10.8, rel=0.1)


def test_ascii_is_ascii():
    assert all(line.isascii() for job in JOBS.values() for line in lines(job, 80, ASCII))


def test_what_went_wrong_is_said_beside_the_bar():
    text = "\n".join(lines(troubled_job()))
    assert "2.8 s failed" in text
    assert "9.2 s lost" in text
    assert "antithesis_standalone #2" in text


def test_a_late_critic_is_said_to_be_late_and_looks_like_no_failure():
    job = late_critic_job()
    assert "late" in next(line for line in lines(job) if "critic " in line)
    assert next(line for line in lines(job, 40) if "critic " in line).endswith("~")
    shapes = drawing(timeline(job)).shapes
    assert any(isinstance(s, Words) and s.text.endswith(" late") and s.colour == "muted" for s in shapes)
    assert not [s for s in shapes if isinstance(s, Box) and s.fill.startswith("bad")]
    assert not [s for s in shapes if isinstance(s, Words) and s.text == "failed or lost"]


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([], "There are no events of this job."),
        ([submitted()], "No step has begun yet."),
        ([submitted(), job_end(1_500, "failed")], "The job ended before any step began."),
    ],
)
def test_a_job_without_steps_is_said_in_words_not_drawn(events, says):
    text = lines(events)
    assert text[-1] == says
    assert not any("─" in line for line in text)
    picture = drawing(timeline(events))
    assert says in picture.description
    assert [s.text for s in picture.shapes if isinstance(s, Words)][-1] == says
    assert not [s for s in picture.shapes if isinstance(s, Stroke)]


def late_job(wait: int) -> list[Event]:
    return [submitted(), start("plan", wait), end("plan", wait + 20, 20), start("thesis", wait + 30),
            end("thesis", wait + 130, 100), job_end(wait + 140)]  # fmt: skip


def test_a_wait_that_outlasts_the_steps_is_cut_from_the_axis_and_that_is_marked():
    text = lines(late_job(1_000))
    thesis = next(line for line in text if "thesis" in line).split("│")[1]
    assert thesis.count("█") > len(thesis) / 3
    assert any("└//" in line for line in text)
    assert any("// the axis starts at 1.0 s" in line for line in text)
    picture = drawing(timeline(late_job(1_000)))
    assert "// the axis starts at 1.0 s" in [s.text for s in picture.shapes if isinstance(s, Words)]
    first = min(s.x for s in picture.shapes if isinstance(s, Box) and s.height == 16)
    assert (
        first
        == min(x for s in picture.shapes if isinstance(s, Stroke) for x, _ in s.points[:1] if s.width == 1.5)
        + 6
    )


@pytest.mark.parametrize(
    "job", [late_job(100), parallel_job(), parallel_job()[:2]], ids=["short", "none", "running"]
)
def test_any_other_axis_begins_when_the_job_was_accepted(job):
    assert not any("//" in line for line in lines(job))


def test_the_line_at_the_jobs_end_runs_through_no_label():
    job = [submitted(), start("plan", 0), end("plan", 970, 970), start("thesis", 10), end("thesis", 500, 490),
           job_end(1_000)]  # fmt: skip
    picture = drawing(timeline(job))
    label = next(s for s in picture.shapes if isinstance(s, Words) and s.text == "970 ms")
    dashed = [s.points for s in picture.shapes if isinstance(s, Stroke) and s.dashed]
    assert all(label.x < x < label.x + 7 * len(label.text) for points in dashed for x, _ in points)
    assert not [p for p in dashed if p[0][1] < label.y - 4 < p[1][1]]
    assert len(dashed) == 2


def test_narrow_terminals_keep_the_attempts_apart():
    text = "\n".join(lines(troubled_job(), 40))
    assert "#1" in text
    assert "#2" in text


@pytest.mark.parametrize("job", JOBS)
def test_the_svg_is_well_formed_titled_and_self_contained(job):
    source = svg(timeline(JOBS[job]))
    root = ET.fromstring(source)
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert "prefers-color-scheme: dark" in source
    assert not [e for e in root.iter() if any("href" in name for name in e.attrib)]
    assert source.count("http") == 1  # the name space


def test_the_svg_has_a_bar_for_every_attempt_and_says_the_same_in_words():
    root = ET.fromstring(svg(timeline(troubled_job())))
    words = [e.text for e in root.iter(f"{SVG}text")]
    for label in ("plan", "thesis", "antithesis_standalone #1", "antithesis_standalone #2", "9.2 s lost"):
        assert label in words
    assert "synthesis: ok, from 20.4 s for 10.7 s, on the critical path" in (
        root.findtext(f"{SVG}desc") or ""
    )


def test_hostile_names_are_escaped():
    job = [e.model_copy(update={"task_id": "<script>&\x1b[31m\x00"}) for e in parallel_job()]
    root = ET.fromstring(svg(timeline(job)))
    assert not list(root.iter(f"{SVG}script"))
    assert root.findtext(f"{SVG}title") == "Job <script>&"


def test_both_palettes_have_every_role_and_text_stands_out():
    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert LIGHT.keys() == DARK.keys()
    text: list[Role] = ["ink", "muted", "bad"]
    bars: list[Role] = ["critical", "step"]
    for palette in (LIGHT, DARK):
        for role in text:
            assert contrast(palette[role], palette["paper"]) >= 4.5, role  # WCAG 2.2 AA
        for role in bars:
            assert contrast(palette[role], palette["paper"]) >= 3, role


@pytest.mark.parametrize("job", JOBS)
def test_every_shape_lies_inside_the_picture(job):
    picture = drawing(timeline(JOBS[job]))
    for shape in picture.shapes:
        match shape:
            case Box(x, y, width, height):
                assert x >= 0
                assert y >= 0
                assert x + width <= picture.width
                assert y + height <= picture.height
            case Stroke(points):
                assert all(0 <= x <= picture.width and 0 <= y <= picture.height for x, y in points)
            case Diamond(x, y, size) | Words(x, y, _, size):
                assert 0 <= x <= picture.width
                assert size <= y + size <= picture.height + size


@pytest.mark.parametrize("job", JOBS)
def test_no_bar_covers_a_name_in_whatever_font(job):
    shapes = drawing(timeline(JOBS[job])).shapes
    bars = [shape for shape in shapes if isinstance(shape, Box) and shape.height > 10]
    names = [s for s in shapes if isinstance(s, Words) and s.size == 14 and s.x < 60 and s.y > 90]
    for name in names:
        beside = [bar for bar in bars if bar.y <= name.y - 5 <= bar.y + bar.height]
        letter = 9 if name.bold else 8  # DejaVu Sans, the widest that is usual
        assert all(name.x + letter * len(name.text) <= bar.x for bar in beside), name.text


def test_a_crowd_of_attempts_keeps_the_critical_ones_and_counts_the_rest():
    crowd = [submitted(), *(start("thesis", 10 + i, attempt=i) for i in range(1, 300)), job_end(5_000)]
    picture = drawing(timeline(crowd))
    words = [s.text for s in picture.shapes if isinstance(s, Words)]
    assert sum(w.startswith("thesis") for w in words) == MAX_ROWS
    assert f"and {299 - MAX_ROWS} more" in words


@pytest.mark.parametrize("job", JOBS)
def test_the_png_is_the_same_picture_at_two_pixels_per_px(job):
    image_module = pytest.importorskip("PIL.Image")
    line = timeline(JOBS[job])
    image = image_module.open(io.BytesIO(png(line)))
    assert image.size == (drawing(line).width * 2, drawing(line).height * 2)
    colours = {colour for _, colour in image.getcolors(1 << 24)}
    assert (0x1D, 0x24, 0x33) in colours  # the title's ink
    assert ((0xC2, 0x57, 0x0C) in colours) == bool(line.rows)  # the critical path


def test_without_pillow_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InvalidInput, match=r'pip install "triptych\[plots\]"'):
        png(timeline(parallel_job()))
