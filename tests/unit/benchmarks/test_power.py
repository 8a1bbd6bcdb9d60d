"""The power curves' picture: every curve is drawn, begins where no verdict is possible, and no name hides another."""

from benchmarks.power_picture import drawing
from orchestrator.timeline.drawing import Stroke, Words


def test_every_curve_is_drawn_named_and_told():
    curves = {
        "the same": [(50, 0.06), (200, 0.79)],
        "slower": [(50, 0.86), (200, 1.0)],
        "faster": [(200, 1.0)],
    }
    picture = drawing(curves, below="Of 200 comparisons.")
    lines = [shape for shape in picture.shapes if isinstance(shape, Stroke) and shape.width > 2]
    assert [len(line.points) for line in lines] == [3, 3, 2]
    assert len({line.points[0] for line in lines}) == 1
    names = {w.text: w for w in picture.shapes if isinstance(w, Words) and w.bold}
    assert {"the same: 79%", "slower: 100%", "faster: 100%"} <= names.keys()
    assert abs(names["slower: 100%"].y - names["faster: 100%"].y) >= 16
    assert "the same: 6% at 50 goals, 79% at 200 goals." in picture.description
